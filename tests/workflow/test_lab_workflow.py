"""The lab run for real in a temporary folder, with a program in QEMU's place that plays logs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from memmap_atlas.lab.tables import read_rows

from tests.tools.paths import results_path
from tests.tools.runs import workflow
from tests.unit.test_lab import ARM64_IMAGE, ONE_GIB, TOLD, log

KERNEL = "debian-6.1-cloud-arm64"
# plays the log that lies beside it; hangs on the map that is called so, while told to
QEMU = """#!{python}
import os, sys, time
from pathlib import Path
here = Path(__file__).parent
if "--version" in sys.argv:
    print("QEMU emulator version 0.0")
elif Path.cwd().name == "hangs" and (here / "hang").exists():
    print("[    0.000000] Booting Linux", flush=True)
    time.sleep(60)
else:
    print((here / "log").read_text())
"""
LAB = {
    "time_limit": 10,
    "kernels": {KERNEL: {"image": "Image"}},
    "maps": {
        "some": {"regions": {"good": [[0, 1 << 30]], "hangs": [[1 << 30, 2 << 30]]}},
        "small": {"regions": {"small": [[0, 4096]], "far": [[1 << 40, 1 << 41]]}},
    },
    "boots": [{"kernels": "all", "maps": ["some", "small"]}],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "qemu-system-aarch64").write_text(QEMU.format(python=sys.executable))
    (programs / "dtc").write_text("#!/bin/sh\ntouch machine.dtb\n")
    for program in programs.iterdir():
        program.chmod(0o755)
    told = TOLD.replace("=52", "=48").replace("T1SZ)=0xc", "T1SZ)=0x10")
    page_tables = told.index("==> /sys/kernel/debug/kernel_page_tables")
    told = told[:page_tables] + told[told.index("==> vmcoreinfo") :]
    told = told.replace("nr_memmap_boot_pages 12288", "nr_memmap_boot_pages 4096")
    (programs / "log").write_text(log(*ONE_GIB) + told)
    (programs / "hang").touch()
    (tmp_path / "Image").write_bytes(ARM64_IMAGE)
    userland = tmp_path / results_path("<lab_userland>", suite="bookworm", architecture="arm64")
    userland.parent.mkdir(parents=True)
    userland.write_bytes(bytes(100))
    return tmp_path


def run(folder: Path, lab: dict[str, object], *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "lab.yaml").write_text(yaml.safe_dump(lab))
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        workflow("--directory", folder, "--cores", "2", *arguments),
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": path},
    )


def boot_lines(result: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in result.stderr.splitlines() if ": lab: debian" in line]


def test_a_lab_with_boots_that_fail(folder: Path) -> None:
    result = run(folder, LAB, "--config", "lab=lab.yaml", "--", "lab")
    # the others go on, all are told with the reason, and the run is an error
    assert result.returncode != 0
    assert len(boot_lines(result)) == 4
    assert "lab: 4 boots of 1 kernels, 1 architectures, on 4 maps; 10 s at most" in result.stdout
    rows = {
        row["map"]: row for row in read_rows(folder / results_path("<lab>/observations.parquet"))
    }
    outcomes = {name: row["outcome"] for name, row in rows.items()}
    assert outcomes == {"good": "complete", "hangs": "hung", "small": "refused", "far": "refused"}
    assert f"{KERNEL} on hangs: hung: " in result.stdout
    assert "not done after 10 s; the log ends: [    0.000000] Booting Linux" in result.stdout
    assert f"{KERNEL} on small: refused: no region has room for the kernel" in result.stdout
    assert f"{KERNEL} on far: refused: the map would end at 0x20000000000" in result.stdout
    assert "Traceback" not in result.stderr + result.stdout
    found = read_rows(folder / results_path("<lab>/residuals.parquet"))
    assert {row["map"] for row in found} == {"good"}
    assert all(row["off"] == 0 for row in found)
    assert rows["good"]["qemu"] == "QEMU emulator version 0.0"
    good = folder / results_path("<lab_boot>", kernel=KERNEL, map="good")
    assert {path.name for path in good.iterdir()} >= {"boot.sh", "machine.dts", "log.gz"}
    assert (folder / results_path("<lab_figure>.png")).stat().st_size > 10_000

    # what went wrong is mended: that boot alone is booted again, and the lab is done
    (folder / "bin/hang").unlink()
    for path in (folder / results_path("<lab_boot>", kernel=KERNEL, map="hangs")).iterdir():
        path.unlink()
    (folder / results_path("<lab_boot>", kernel=KERNEL, map="hangs")).rmdir()
    lab = LAB | {"boots": [{"kernels": "all", "maps": ["some"]}]}
    result = run(folder, lab, "--config", "lab=lab.yaml", "--", "lab")
    assert result.returncode == 0, result.stderr
    assert [line.split(" on ")[1] for line in boot_lines(result)] == ["hangs"]
    assert "nothing is off" in result.stdout


def test_a_kernel_that_is_not_what_kernels_yaml_says(folder: Path) -> None:
    played = folder / "bin/log"
    played.write_text(played.read_text().replace("BITS)=27", "BITS)=30"))
    (folder / "bin/hang").unlink()
    result = run(folder, LAB, "--config", f"kernel={KERNEL}", "image=Image", "map=[[0,1GiB]]",
                 "--", "boot")  # fmt: skip
    assert result.returncode != 0
    section = next(line for line in result.stdout.splitlines() if "section_bytes" in line)
    assert section.split()[1:] == ["1,073,741,824", "134,217,728", "939,524,096", "<-"]


def test_one_boot_of_an_image(folder: Path) -> None:
    (folder / "bin/hang").unlink()
    result = run(folder, LAB, "--config", f"kernel={KERNEL}", "image=Image", "map=[[0,1GiB]]",
                 "--", "boot")  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert f"{KERNEL} on given: complete" in result.stdout
    memmap = next(line for line in result.stdout.splitlines() if "memmap_bytes" in line)
    assert memmap.split()[1:] == ["16,777,216", "16,777,216", "0"]
    about = json.loads(
        (folder / results_path("<lab_boot>/boot.json", kernel=KERNEL, map="given")).read_text()
    )
    assert about["told"] == [[1 << 30, 2 << 30]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lab=nope", "--", "lab"], "no lab 'nope'; there are ci, full"),
        (["kernel=nope", "map=juno", "--", "boot"], "no kernel 'nope' in the lab"),
        (["kernel=x", "map=5", "--", "boot"], "config: map: 5 is no list"),
    ],
)
def test_a_bad_configuration_is_one_message(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    result = run(tmp_path, {}, "--config", *arguments)
    assert result.returncode != 0
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / results_path("<results>")).exists()
