# Whose device trees are counted.

import hashlib

from memmap_atlas.sweepfile.machine_files import refuse_names

# Linux 6.12, and what is nearest to the release of config/boards.tsv
CENSUS_SUITES = ["trixie", "sid"]


def census_trees(wildcards):
    """The folder of device trees that a census counts, and where it is from."""
    if wildcards.trees != "given":
        folder = f"results/census/{wildcards.trees}"
        return {"trees": f"{folder}/trees", "package": f"{folder}/package.txt"}
    if "trees" not in config:
        sys.exit("Error: no folder of device trees is given: --config trees=path/to/folder")
    try:
        refuse_names([config["trees"]], "config", ("trees",))
        if not Path(config["trees"]).is_dir():
            sys.exit(f"Error in the configuration: trees: no folder {config['trees']!r}")
    except ConfigError as error:
        sys.exit(f"Error: {error}")
    except OSError as error:
        sys.exit(f"Error in the configuration: trees: {error.strerror}")
    return {"trees": config["trees"]}


def census_seen(wildcards):
    """What changes with the files of a folder that is given: its own time tells only of files that
    come and go in it, and not in the folders below.
    """
    if wildcards.trees != "given":
        return ""
    found = hashlib.sha256()
    for path in sorted(Path(config["trees"]).rglob("*.dt*")):
        if path.is_file():
            at = path.stat()
            found.update(f"{path!r} {at.st_size} {at.st_mtime_ns}\n".encode())
    return found.hexdigest()


def census_texts(wildcards):
    """The censuses that are asked for."""
    every = ["given"] if "trees" in config else CENSUS_SUITES
    return [f"results/census/{trees}/census.txt" for trees in every]
