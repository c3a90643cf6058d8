"""The short search for files that break a reader; `python -m tests.fuzz` is the long one."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.spoiling import WAYS, Spoiling, spoilt
from tests.fuzz.targets import TARGETS
from webui.errors import UserError

SHARE = st.integers(0, 65_535)
SPOILINGS = st.lists(
    st.builds(Spoiling, st.integers(-1, 7), st.sampled_from(WAYS), SHARE, SHARE),
    min_size=1,
    max_size=6,
)
EXAMPLES = {"audio": 60, "checkpoint": 60}


@pytest.mark.parametrize("name", TARGETS)
def test_spoilt_files_are_read_or_refused_in_words(name):
    target = TARGETS[name]
    seeds = target.seeds()
    refused = []

    @settings(
        derandomize=True, database=None, deadline=None, max_examples=EXAMPLES.get(name, 120),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(which=st.integers(0, len(seeds) - 1), spoilings=SPOILINGS)
    def read(which, spoilings):
        ending, good = seeds[which]
        try:
            target.read(spoilt(good, spoilings), ending)
        except UserError as refusal:
            refused.append(str(refusal))

    read()
    assert all(len(each) < 400 for each in refused)


@pytest.mark.parametrize("name", TARGETS)
def test_the_files_are_good_before_they_are_spoilt(name):
    target = TARGETS[name]
    for ending, good in target.seeds():
        assert target.read(good, ending)


def test_a_spoilt_zip_is_packed_again_with_the_right_sums():
    import io
    import zipfile

    (_, good) = TARGETS["speaker"].seeds()[0]
    changed = spoilt(good, [Spoiling(1, "turn", 40_000, 7)])
    with zipfile.ZipFile(io.BytesIO(changed)) as archive:
        assert archive.testzip() is None
    assert changed != good
