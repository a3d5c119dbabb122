#!/usr/bin/env python3
"""Makes `synthea/`, the sample of what Synthea writes. Nothing in it is about a real person.

    python3 data/make_synthea.py --cache .cache/synthea        (Java 17, Maven; about a minute)

Synthea (Apache-2.0) writes each patient as a transaction Bundle, in which references are `urn:uuid:` of the Bundle's own
entries, or conditional ones (`Practitioner?identifier=...`) into two Bundles of hospitals and practitioners. Here both
become relative references, one file a resource type, as a server would hold and send it. A few Bundles are kept as
Synthea wrote them, too: they are what a first load of such a server looks like.

Fixed version, seeds, reference date, time zone and one thread give the same bytes again.
"""
import argparse
import gzip
import json
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True  # no __pycache__ beside the data
from make import write  # noqa: E402

DATA = pathlib.Path(__file__).resolve().parent
VERSION = "3.3.0"
TODAY = "20251231"

# Patients are picked for their ages and for files of moderate size: Synthea's longest lives exceed 20 MiB a Bundle.
RUNS = {
    "all-ages": {
        "arguments": ["-p", "12", "-s", "7"],
        "patients": [
            "7d0b9e39-7a49-3981-50c1-c0542d034565",  # 7 years old
            "6d0fcea7-4f9d-beef-c326-d4a90b059348",  # 14
            "8ffab79d-f545-1c67-9c93-30955daad494",  # 19
            "41f5a58c-8c6e-d14d-002a-fb227c32f6c5",  # 36
            "498bd436-0980-0360-569f-80fa11af5827",  # 57
            "3c202f10-4f5d-7bfd-e3ef-2c6c93f9da09",  # 57, all resource types
        ],
    },
    # One year of records each, since nonagenarians have many.
    "aged": {
        "arguments": ["-p", "2", "-s", "8", "-a", "91-97", "--exporter.years_of_history=1"],
        "patients": [
            "2b07d169-5c66-d75f-1fd7-c801f03c15ba",  # 93
            "505aacd3-9955-591f-f0c2-a7ee73eae9a4",  # died at 90
            "9e62756b-97e3-a6fb-2d2c-84c6f9a51268",  # died at 52, in 1984
        ],
    },
}

# Kept as they are, as well: the two smallest.
WHOLE = ["2b07d169-5c66-d75f-1fd7-c801f03c15ba", "505aacd3-9955-591f-f0c2-a7ee73eae9a4"]

POM = f"""<project>
  <modelVersion>4.0.0</modelVersion><groupId>local</groupId><artifactId>synthea-sample</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.mitre.synthea</groupId><artifactId>synthea</artifactId><version>{VERSION}</version></dependency>
  </dependencies>
</project>
"""


def jars(cache):
    """Synthea and what it needs, from Maven, once."""
    lib = cache / f"lib-{VERSION}"
    if not (lib / f"synthea-{VERSION}.jar").exists():
        cache.mkdir(parents=True, exist_ok=True)
        (cache / "pom.xml").write_text(POM)
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={lib.resolve()}"]
        subprocess.run(["mvn", "-q", "-B", "-f", str(cache / "pom.xml"), *goal], check=True)
    return lib


def simulate(cache, name, arguments):
    """One run of Synthea; its folder of Bundles."""
    folder = cache / name
    dates = ["-cs", "7", "-r", TODAY, "-e", TODAY]
    settings = [f"--exporter.baseDirectory={folder.resolve()}/", "--generate.thread_pool_size=1"]
    java = ["java", "-Duser.timezone=UTC", "-Duser.language=en", "-Duser.country=US", "-Dfile.encoding=UTF-8"]
    command = [*java, "-cp", f"{jars(cache)}/*", "App", *arguments, *dates, *settings]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return folder / "fhir"


def bundles(folder, pattern):
    return [json.loads(file.read_text("utf-8")) for file in sorted(folder.glob(pattern))]


def key(resource):
    return f"{resource['resourceType']}/{resource['id']}"


def targets(bundle):
    """What references in or into this Bundle may say, by what they say instead."""
    found = {}
    for entry in bundle["entry"]:
        resource = entry["resource"]
        found[entry["fullUrl"]] = key(resource)
        for identifier in resource.get("identifier", []):
            query = f"{resource['resourceType']}?identifier={identifier.get('system')}|{identifier['value']}"
            found[query] = key(resource)
    return found


def resolve(value, known):
    """Makes references relative, in place. One that points nowhere stops the making."""
    if isinstance(value, list):
        for item in value:
            resolve(item, known)
    elif isinstance(value, dict):
        reference = value.get("reference")
        if isinstance(reference, str) and not reference.startswith("#"):
            value["reference"] = known[reference]
        for item in value.values():
            resolve(item, known)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=pathlib.Path, required=True, help="folder for Synthea's jars and whole output")
    cache = parser.parse_args().cache

    out = DATA / "synthea"
    for old in out.glob("*.gz"):
        old.unlink()
    resources = {}
    for name, run in RUNS.items():
        folder = simulate(cache, name, run["arguments"])
        shared = bundles(folder, "*Information*.json")
        outside = {say: instead for bundle in shared for say, instead in targets(bundle).items()}
        for patient in run["patients"]:
            (file,) = folder.glob(f"*_{patient}.json")
            if patient in WHOLE:
                out.mkdir(exist_ok=True)
                with open(out / f"bundle-{patient[:8]}.json.gz", "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
                    packed.write(file.read_bytes())
            shared.append(json.loads(file.read_text("utf-8")))
        for bundle in shared:
            known = outside | targets(bundle)
            for entry in bundle["entry"]:
                resolve(entry["resource"], known)
                resources.setdefault(key(entry["resource"]), entry["resource"])
    for kind in sorted({resource["resourceType"] for resource in resources.values()}):
        of_kind = [resource for resource in resources.values() if resource["resourceType"] == kind]
        print(f"synthea/{kind}: {write(out / f'{kind}.ndjson.gz', of_kind)}")


if __name__ == "__main__":
    main()
