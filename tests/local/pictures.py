"""`make pictures`: the console's pictures in docs/pictures, taken of a real rehearsal.

The candidate fails from 25 % exposure on, so one rollout shows a ramp and a rollback.
"""

import threading
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Browser, Page

from ops.local import rehearsal, stories
from ops.local import story as telling
from ops.local.stack import LocalStack
from ops.local.traffic import generate
from tests.local.browsing import chromium
from tests.local.running import PATIENCE_SECONDS, ROOT, started

FOLDER: Final = ROOT / "docs" / "pictures"
DESKTOP: Final = {"width": 1280, "height": 900}
PHONE: Final = {"width": 375, "height": 780}
# Flat colours: more would only make the files larger.
COLOURS: Final = 128
PATIENCE: Final = 1000 * PATIENCE_SECONDS
ROLLED_BACK: Final = "ROLLED BACK"


def main() -> None:
    """Run the story and take the pictures while it goes on and after it."""
    FOLDER.mkdir(exist_ok=True)
    with LocalStack() as stack, rehearsal._load(stack, generate(rehearsal.SEED)) as load:

        def tell() -> None:
            plan = rehearsal.DEFAULT_PLAN
            telling.run(stories.STORIES["errors"], stack, load, plan, lambda _: None)

        words = ("--port", "0", "--every", "1", "--allow-actions")
        where = ("--endpoint-url", stack.emulator.endpoint_url)
        with started("console", *words, *where) as console, chromium() as browser:
            console.says("Ctrl-C ends it")
            teller = threading.Thread(target=tell)
            teller.start()
            try:
                taken(browser, console.out[0].strip())
            finally:
                teller.join()


def taken(browser: Browser, address: str) -> None:
    """Every picture, in the order in which the rollout makes them possible."""
    page = opened(browser, address, DESKTOP, "light")
    page.locator("#executions a", has_text="ramp-25").wait_for()
    page.locator('#graph .state.running[data-state="Bake"]').wait_for()
    page.locator('#graph a[data-visits="Preflight"]').click()
    page.locator("#payload-here #payload-input").wait_for()
    page.evaluate("scrollTo(0, 0)")
    small(page.screenshot, "console")
    page.locator("#now .badge", has_text=ROLLED_BACK).wait_for()
    small(page.locator("section", has=page.locator("#timeline")).screenshot, "timeline")
    # The last charts are drawn a few seconds after the last verdict.
    marks = page.locator("#chart-evidence .mark title", has_text="ROLL_BACK")
    marks.first.wait_for(state="attached")
    page.wait_for_timeout(6000)
    small(page.locator("figure").first.screenshot, "evidence")
    phone = opened(browser, address, PHONE, "dark")
    small(phone.screenshot, "phone")


def opened(browser: Browser, address: str, size: Any, scheme: Any) -> Page:
    """A page of that size, light or dark."""
    page = browser.new_page(viewport=size, color_scheme=scheme)
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    return page


def small(screenshot: Any, name: str) -> None:
    """Take one and keep it with few colours."""
    path = FOLDER / f"{name}.png"
    screenshot(path=str(path))
    with Image.open(path) as taken_now:
        taken_now.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(
            path, optimize=True
        )
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
