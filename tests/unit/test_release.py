"""Releases of the kernel: how texts are read, and their order."""

import pytest
from memmap_atlas.memmodel.release import UNKNOWN, Release


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("6.12", Release(6, 12)),
        ("6.12.95-1", Release(6, 12, 95)),
        ("5.10.0-30-arm64", Release(5, 10, 0)),
        ("6.1-rc3", Release(6, 1)),
        ("6.1.0-rc3+", Release(6, 1)),
        ("6.1.47-v8_16k", Release(6, 1, 47)),
        ("2.6.32-64k", Release(2, 6, 32)),
        ("7.2.0+deb14", Release(7, 2)),
        ("6.12345", None),
        ("6", None),
        ("v6.1", None),
        ("unknown", None),
        ("", None),
        (None, None),
    ],
)
def test_parse(text: str | None, release: Release | None) -> None:
    assert Release.parse(text) == release


def test_releases_are_numbers() -> None:
    assert sorted(["5.10", "6.1", "5.4"], key=lambda text: Release.parse(text) or UNKNOWN) == [
        "5.4",
        "5.10",
        "6.1",
    ]
    texts = ["2.6.32", "4.4", "5.4.302", "5.10", "5.10.87", "6.6", "6.12.95-1", "7.0"]
    releases = [release for text in texts if (release := Release.parse(text))]
    assert len(releases) == len(texts)
    assert releases == sorted(releases)
    assert releases == sorted(reversed(releases))


def test_series_and_text() -> None:
    release = Release(6, 12, 95)
    assert release > release.series == Release(6, 12)
    assert (str(release), str(release.series)) == ("6.12.95", "6.12")
