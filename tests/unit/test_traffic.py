"""Traces, arrivals and visitors: counts are preserved, order is strict, seeds decide."""

import math
from collections import Counter
from itertools import islice, pairwise
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.local.traffic import Interval, Visitors, arrivals, gaps, generate, read_csv
from rollout.domain.errors import InvalidInputError

SEEDS = st.integers(min_value=0, max_value=2**32)
COUNTS = st.lists(st.integers(min_value=0, max_value=30), min_size=1, max_size=12).filter(any)
SPEEDS = st.floats(min_value=0.1, max_value=10_000)


def trace_of(counts, length=300.0):
    return [Interval(n * length, length, count) for n, count in enumerate(counts)]


# A recorded trace


def written(folder, text):
    path = folder / "counts.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_become_intervals_as_long_as_their_usual_spacing(tmp_path):
    path = written(
        tmp_path,
        "timestamp,value\n2024-04-10 00:04:00,94.0\n2024-04-10 00:09:00,0\n2024-04-10 00:14:00,7\n",
    )

    assert read_csv(path) == [Interval(0, 300, 94), Interval(300, 300, 0), Interval(600, 300, 7)]


def test_a_missing_interval_is_a_gap_in_which_nothing_arrives(tmp_path):
    times = ("00:00", "00:05", "00:15", "00:20")
    path = written(
        tmp_path, "timestamp,value\n" + "".join(f"2024-04-10T{time}:00Z,5\n" for time in times)
    )
    trace = read_csv(path)

    assert gaps(trace) == [(600, 300)]
    assert trace[-1].end_s == 1500
    moments = list(islice(arrivals(trace, 1, seed=1), 20))
    assert not [moment for moment in moments if 600 <= moment < 900]


def test_an_interval_ends_where_an_early_next_one_begins(tmp_path):
    times = ("00:00", "00:05", "00:07", "00:12")
    path = written(
        tmp_path, "timestamp,value\n" + "".join(f"2024-04-10 {time},1\n" for time in times)
    )

    assert [interval.length_s for interval in read_csv(path)] == [300, 120, 300, 300]


def test_column_order_other_columns_and_a_byte_order_mark_do_not_matter(tmp_path):
    path = written(
        tmp_path,
        "\ufeffvalue, host ,timestamp\n3,a,2024-04-10 00:00:00\n\n4,b,2024-04-10 00:01:00\n",
    )

    assert [interval.requests for interval in read_csv(path)] == [3, 4]


HEAD = "timestamp,value\n2024-04-10 00:00:00,1\n"


@pytest.mark.parametrize(
    ("text", "place", "shown"),
    [
        ("", "line 1", "a column timestamp"),
        ("timestamp,value\n", "counts.csv is", "no rows"),
        (HEAD, "counts.csv is", "one row"),
        ("timestamp,count\n2024-04-10 00:00:00,1\n", "line 1", "a column value"),
        ("when,value\n2024-04-10 00:00:00,1\n", "line 1", "a column timestamp"),
        (HEAD + "2024-04-10 00:05:00,-3\n", "line 3, column value", "'-3'"),
        (HEAD + "2024-04-10 00:05:00,3.5\n", "line 3, column value", "'3.5'"),
        (HEAD + "2024-04-10 00:05:00,NaN\n", "line 3, column value", "'NaN'"),
        (HEAD + "2024-04-10 00:05:00,inf\n", "line 3, column value", "'inf'"),
        (HEAD + "2024-04-10 00:05:00,1_000\n", "line 3, column value", "'1_000'"),
        (HEAD + "2024-04-10 00:05:00,many\n", "line 3, column value", "'many'"),
        (HEAD + "2024-04-10 00:05:00,\n", "line 3, column value", "''"),
        (HEAD + "2024-04-10 00:05:00\n", "line 3, column value", "missing"),
        (HEAD + f"2024-04-10 00:05:00,{'9' * 5000}\n", "line 3, column value", "5002 characters"),
        (HEAD + "yesterday,3\n", "line 3, column timestamp", "'yesterday'"),
        (HEAD + "\n2024-04-10 00:00:00,3\n", "line 4, column timestamp", "a time after"),
        (HEAD + "2024-04-09 23:00:00,3\n", "line 3, column timestamp", "a time after"),
        (HEAD + "2024-04-10 00:05:00,1\x00\n", "counts.csv", "1\\x00"),
    ],
)
def test_bad_input_names_file_line_column_and_value(tmp_path, text, place, shown):
    with pytest.raises(InvalidInputError) as caught:
        read_csv(written(tmp_path, text))

    assert "counts.csv" in caught.value.field
    assert place in str(caught.value)
    assert shown in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InvalidInputError, match=r"absent\.csv is 'No such file"):
        read_csv(tmp_path / "absent.csv")
    with pytest.raises(InvalidInputError, match="directory"):
        read_csv(tmp_path)


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "counts.csv"
    path.write_bytes(b"timestamp,value\n\xff\xfe,1\n")

    with pytest.raises(InvalidInputError, match="UTF-8"):
        read_csv(path)


# A generated trace


def percentile(counts, share):
    return sorted(counts)[math.ceil(share * len(counts)) - 1]


def test_the_default_trace_has_the_published_character():
    counts = [interval.requests for interval in generate()]

    assert len(counts) == 4032
    assert median(counts) == pytest.approx(48, rel=0.05)
    assert percentile(counts, 0.95) == pytest.approx(170, rel=0.10)
    assert max(counts) == 656
    assert min(counts) == 1


def test_the_default_trace_has_a_daily_rhythm():
    counts = [interval.requests for interval in generate()]
    by_hour = [median(counts[n] for n in range(4032) if n // 12 % 24 == hour) for hour in range(24)]

    assert max(by_hour[15:20]) > 1.5 * min(by_hour[3:8])


@given(seed=SEEDS, intervals=st.integers(min_value=1, max_value=600))
def test_generated_traces_are_contiguous_bounded_and_repeatable(seed, intervals):
    trace = generate(seed, intervals)

    assert trace == generate(seed, intervals)
    assert len(trace) == intervals
    assert gaps(trace) == []
    assert all(1 <= interval.requests <= 656 for interval in trace)


def test_seeds_give_different_traces():
    assert generate(1) != generate(2)


def test_a_trace_of_nothing_is_refused():
    with pytest.raises(InvalidInputError, match="intervals is 0"):
        generate(1, intervals=0)


# Arrivals


@given(counts=COUNTS, speed=SPEEDS, seed=SEEDS)
def test_each_recorded_request_arrives_once_and_in_its_interval(counts, speed, seed):
    trace = trace_of(counts)
    moments = list(islice(arrivals(trace, speed, seed), sum(counts)))
    expected = [n for n, count in enumerate(counts) for _ in range(count)]

    for moment, interval in zip(moments, expected, strict=True):
        # Rounding, and moments pushed apart to stay in order, may cross an end by a hair.
        assert interval - 1e-6 <= moment * speed / 300 <= interval + 1 + 1e-6


@given(counts=COUNTS, speed=SPEEDS, seed=SEEDS, start=st.floats(min_value=0, max_value=1e5))
def test_arrivals_rise_strictly_also_when_the_trace_repeats(counts, speed, seed, start):
    moments = list(islice(arrivals(trace_of(counts), speed, seed, start), 3 * sum(counts)))

    assert moments[0] >= 0
    assert all(earlier < later for earlier, later in pairwise(moments))


@given(counts=COUNTS, seed=SEEDS)
def test_arrivals_are_decided_by_the_seed(counts, seed):
    once, again = (islice(arrivals(trace_of(counts), 60, seed), 100) for _ in range(2))

    assert list(once) == list(again)


@given(counts=COUNTS, seed=SEEDS)
def test_the_trace_repeats_after_its_period(counts, seed):
    total, period = sum(counts), 300 * len(counts)
    moments = list(islice(arrivals(trace_of(counts), 1, seed), 2 * total))

    assert all(moment >= period - 1e-6 for moment in moments[total:])


def test_start_skips_what_lies_before():
    trace = trace_of([10, 20, 30])

    moments = list(islice(arrivals(trace, 10, seed=1, start_s=300), 50))

    assert [sum(30 * n <= moment < 30 * n + 30 for moment in moments) for n in (0, 1)] == [20, 30]


def test_arrivals_are_uniform_within_an_interval():
    moments = list(islice(arrivals(trace_of([20_000]), 1, seed=1), 20_000))
    tenths = Counter(int(moment // 30) for moment in moments)

    # A tenth holds 2,000 with a standard deviation of 42.
    assert all(abs(tenths[tenth] - 2000) < 5 * 42 for tenth in range(10))


@pytest.mark.parametrize("speed", [0, -1, math.nan, math.inf])
def test_a_useless_speed_is_refused_at_once(speed):
    with pytest.raises(InvalidInputError, match="speed"):
        arrivals(trace_of([1]), speed, seed=1)


@pytest.mark.parametrize("trace", [[], trace_of([0, 0])])
def test_a_trace_without_requests_is_refused_at_once(trace):
    with pytest.raises(InvalidInputError, match="at least one request"):
        arrivals(trace, 1, seed=1)


# Visitors


@given(users=st.integers(min_value=1, max_value=200), seed=SEEDS)
def test_visitors_exist_and_are_decided_by_the_seed(users, seed):
    first = list(islice(Visitors(users, seed), 50))

    assert first == list(islice(Visitors(users, seed), 50))
    assert {*first} <= {f"user-{number}" for number in range(1, users + 1)}


def test_a_few_visitors_make_many_requests():
    requests = Counter(islice(Visitors(10_000, seed=1), 100_000))
    hundred = sum(count for _, count in requests.most_common(100))

    assert 0.18 < hundred / 100_000 < 0.24
    assert 0.017 < requests.most_common(1)[0][1] / 100_000 < 0.023


def test_popularity_is_not_tied_to_the_number():
    requests = Counter(islice(Visitors(10_000, seed=1), 100_000))
    low = sum(count for user, count in requests.items() if int(user[5:]) <= 5000)

    assert 0.4 < low / 100_000 < 0.6


def test_no_users_are_refused():
    with pytest.raises(InvalidInputError, match="users is 0"):
        Visitors(0, seed=1)
