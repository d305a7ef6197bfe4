// The page works without this file, by reloading; with it, it is live.
"use strict";

const events = document.body.dataset.events;
const link = document.getElementById("link");

function said(text, lost) {
  if (link.textContent !== text) link.textContent = text;
  link.classList.toggle("lost", Boolean(lost));
}

async function fetched(address) {
  const answer = await fetch(address, { credentials: "same-origin" });
  // What is shown is better than a page about a mistake of the console's own.
  if (answer.status === 500) throw new Error(answer.statusText);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

// A form that somebody is filling in stays as it is.
function inUse(part) {
  const focus = document.activeElement;
  const typed = [...part.querySelectorAll("input")].some((one) => one.value !== one.defaultValue);
  return typed || (part.contains(focus) && focus.matches("input, button"));
}

function opened(part) {
  return [...part.querySelectorAll("details[data-keep]")].map((one) => [one.dataset.keep, one.open]);
}

function replaced(old, fresh) {
  const focus = document.activeElement;
  const href = old.contains(focus) ? focus.getAttribute("href") : null;
  const open = new Map(opened(old));
  old.innerHTML = fresh.innerHTML;
  for (const one of old.querySelectorAll("details[data-keep]")) {
    if (open.has(one.dataset.keep)) one.open = open.get(one.dataset.keep);
  }
  if (href === null) return;
  const again = [...old.querySelectorAll("a")].find((one) => one.getAttribute("href") === href);
  if (again) again.focus({ preventScroll: true });
}

let busy = false;
let wanted = false;

async function refresh() {
  wanted = true;
  if (busy) return;
  busy = true;
  while (wanted) {
    wanted = false;
    try {
      const fresh = await fetched(location.pathname + location.search);
      show(fresh);
    } catch (error) {
      said("the console does not answer; what is shown is older", true);
    }
  }
  busy = false;
}

function show(fresh) {
  document.title = fresh.title;
  document.body.dataset.version = fresh.body.dataset.version;
  const kept = [...document.querySelectorAll("[data-live]")];
  const news = [...fresh.querySelectorAll("[data-live]")];
  const main = document.querySelector("main");
  const other = fresh.querySelector("main");
  // Another page than the one shown, as when the first rollout was launched, or the next.
  const ids = (parts) => parts.map((one) => one.id).join();
  if (ids(kept) !== ids(news) || main.dataset.rollout !== other.dataset.rollout) {
    main.replaceWith(other);
    return;
  }
  for (const [place, old] of kept.entries()) {
    if (old.innerHTML !== news[place].innerHTML && !inUse(old)) replaced(old, news[place]);
  }
  const age = document.getElementById("age");
  const made = fresh.getElementById("age");
  if (age && made) age.dataset.at = made.dataset.at;
}

// A narrow screen begins where the rollout is, not at the graph's left edge.
function centred() {
  const lit = [...document.querySelectorAll("#graph .state.passed")];
  const one = document.querySelector("#graph .state.running") || lit[lit.length - 1];
  if (!one) return;
  const box = one.closest(".scroll");
  const here = one.getBoundingClientRect();
  const frame = box.getBoundingClientRect();
  box.scrollLeft += here.left + here.width / 2 - (frame.left + frame.width / 2);
}

function aged() {
  const age = document.getElementById("age");
  if (!age) return;
  const seconds = Math.max(0, Math.round(Date.now() / 1000 - Number(age.dataset.at)));
  age.textContent = seconds < 100 ? `${seconds} s ago` : `${Math.round(seconds / 60)} min ago`;
}

// A click shows a visit beside the graph instead of leaving the page.
async function shown(address) {
  const here = document.getElementById("payload-here");
  const fresh = await fetched(address);
  const found = fresh.getElementById("shown") || fresh.querySelector("main");
  here.replaceChildren(found);
  here.dataset.of = address;
  here.closest("section").scrollIntoView({ block: "nearest" });
  found.focus({ preventScroll: true });
}

document.addEventListener("click", (event) => {
  const clicked = event.target.closest("a[data-payload], #graph a, #timeline a");
  if (!clicked || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  if (!document.getElementById("payload-here")) return;
  event.preventDefault();
  const address = clicked.getAttribute("href");
  shown(address).catch(() => said("the console does not answer", true));
});

document.addEventListener("submit", (event) => {
  const button = event.target.querySelector("button");
  if (button) button.disabled = true;
  said("asked; waiting until it is verified");
});

centred();

if (events !== undefined) {
  const source = new EventSource(events);
  source.addEventListener("open", () => said("live"));
  source.addEventListener("changed", (event) => {
    if (event.data !== document.body.dataset.version) refresh();
    said("live");
  });
  source.addEventListener("error", () => said("the console does not answer; trying again", true));
  setInterval(aged, 1000);
  setInterval(refresh, 20000);
  aged();
}
