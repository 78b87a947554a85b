"""Bad kernels are refused with a message that names place, value and what would be right."""

from pathlib import Path

import pytest
from memmap_atlas.config import load_kernels
from memmap_atlas.documents import ConfigError

SHIPPED = Path(__file__).parents[1] / "config/kernels.yaml"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("k: {extends: arm64-6.12-4kk}", "did you mean 'arm64-6.12-4k'?"),
        ("k: {extends: arm64-6.12-4k, page_sise: 4KiB}", "did you mean 'page_size'?"),
        ("k: {extends: arm64-6.12-4k, page_size: 0B}", "a size is a number"),
        ("k: {extends: arm64-6.12-4k, section_size: 96MiB}", "no power of two"),
        ("k: {extends: arm64-6.12-4k, default_model: flatmen}", "did you mean 'flatmem'?"),
        ("k: {arch: arm64}", "k: lacks release, page_size"),
        ("k: {extends: k}", "extends itself: k -> k"),
        ("k: {arch: a}\nk: {arch: b}", "bad.yaml:2:1: the key 'k' stands twice"),
        ("k: [", "bad.yaml:1:"),
    ],
)
def test_bad_kernel(tmp_path: Path, text: str, message: str) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(text)
    with pytest.raises(ConfigError) as error:
        load_kernels(SHIPPED, bad)
    assert message in str(error.value)
