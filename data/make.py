#!/usr/bin/env python3
"""Makes the synthetic data of the demo and the tests. Nothing here is about a real person.

    python3 -m venv .cache/clinosim && .cache/clinosim/bin/pip install clinosim==0.6.5
    npm run data -- --clinosim .cache/clinosim/bin/clinosim

clinosim (MIT) simulates each instance's patients; a fixed seed, end date and version give the same bytes again.
The hospital's own Organizations and Locations are left out: those types belong to the hub and come down, so that no
type goes in two directions. References to them are pointed at the hub's entries.
`handwritten.ndjson` beside each instance's files is not touched.
"""
import argparse
import gzip
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

DATA = pathlib.Path(__file__).resolve().parent
VERSION = "0.6.5"
END = "2025-12-31"

# Seeds were chosen for a few thousand resources with Condition/Encounter cycles.
INSTANCES = {
    "north": {"seed": 202, "population": 30, "organization": "north-general-hospital", "location": "campus-north"},
    "south": {"seed": 66, "population": 28, "organization": "south-river-hospital", "location": "campus-south"},
}

DOWN_TYPES = {"Organization", "Location"}

COUNTRIES = {"US": "United States of America", "CA": "Canada", "MX": "Mexico"}

STATES = dict(
    pair.split("=")
    for pair in (
        "AL=Alabama,AK=Alaska,AZ=Arizona,AR=Arkansas,CA=California,CO=Colorado,CT=Connecticut,DE=Delaware,"
        "DC=District of Columbia,FL=Florida,GA=Georgia,HI=Hawaii,ID=Idaho,IL=Illinois,IN=Indiana,IA=Iowa,KS=Kansas,"
        "KY=Kentucky,LA=Louisiana,ME=Maine,MD=Maryland,MA=Massachusetts,MI=Michigan,MN=Minnesota,MS=Mississippi,"
        "MO=Missouri,MT=Montana,NE=Nebraska,NV=Nevada,NH=New Hampshire,NJ=New Jersey,NM=New Mexico,NY=New York,"
        "NC=North Carolina,ND=North Dakota,OH=Ohio,OK=Oklahoma,OR=Oregon,PA=Pennsylvania,RI=Rhode Island,"
        "SC=South Carolina,SD=South Dakota,TN=Tennessee,TX=Texas,UT=Utah,VT=Vermont,VA=Virginia,WA=Washington,"
        "WV=West Virginia,WI=Wisconsin,WY=Wyoming"
    ).split(",")
)

# Payers keep clinosim's ids: both instances name the same ones.
ORGANIZATIONS = {
    "research-hub": ("edu", "Riverbend Research Network", None),
    "north-general-hospital": ("prov", "North General Hospital", "research-hub"),
    "south-river-hospital": ("prov", "South River Hospital", "research-hub"),
    "payer-CMS-MEDICARE": ("pay", "Medicare", None),
    "payer-CMS-MA-PLAN": ("pay", "Medicare Advantage Plan", "payer-CMS-MEDICARE"),
    "payer-CMS-DUAL": ("pay", "Medicare and Medicaid, dual", None),
    "payer-STATE-MEDICAID": ("pay", "State Medicaid Program", None),
    "payer-STATE-CHIP": ("pay", "Children's Health Insurance Program", "payer-STATE-MEDICAID"),
    "payer-US-BCBS": ("pay", "Blue Plan of the Valley", None),
    "payer-US-EMPLGRP": ("pay", "Employers' Group Plan", None),
    "payer-US-VA-TRICARE": ("pay", "Veterans and Service Members Plan", None),
    "payer-US-SELFPAY": ("pay", "Self-pay", None),
}


def coding(system, code):
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code}]}


def hub_organizations():
    for key, (kind, name, parent) in ORGANIZATIONS.items():
        resource = {"resourceType": "Organization", "id": key, "active": True}
        resource |= {"type": [coding("organization-type", kind)], "name": name}
        if parent is not None:
            resource["partOf"] = {"reference": f"Organization/{parent}"}
        yield resource


def jurisdiction(key, system, code, name, parent=None):
    resource = {"resourceType": "Location", "id": key, "status": "active", "mode": "instance"}
    resource |= {"identifier": [{"system": system, "value": code}], "name": name}
    resource["physicalType"] = coding("location-physical-type", "jdn")
    if parent is not None:
        resource["partOf"] = {"reference": f"Location/{parent}"}
    return resource


def hub_locations():
    for code, name in COUNTRIES.items():
        yield jurisdiction(f"country-{code.lower()}", "urn:iso:std:iso:3166", code, name)
    for code, name in STATES.items():
        yield jurisdiction(f"state-us-{code.lower()}", "urn:iso:std:iso:3166:-2", f"US-{code}", name, "country-us")
    for instance, settings in INSTANCES.items():
        campus = {"resourceType": "Location", "id": settings["location"], "status": "active", "mode": "instance"}
        campus |= {"name": f"{ORGANIZATIONS[settings['organization']][1]}, campus"}
        campus |= {"physicalType": coding("location-physical-type", "si"), "partOf": {"reference": "Location/state-us-ma"}}
        campus["managingOrganization"] = {"reference": f"Organization/{settings['organization']}"}
        yield campus


def point_at_hub(value, settings):
    """Points references to the hospital's own departments, wards and beds at the hub's entries, in place."""
    if isinstance(value, list):
        for item in value:
            point_at_hub(item, settings)
    elif isinstance(value, dict):
        kind, _, key = str(value.get("reference", "")).partition("/")
        if kind == "Organization" and key not in ORGANIZATIONS:
            value["reference"] = f"Organization/{settings['organization']}"
        elif kind == "Location":
            value["reference"] = f"Location/{settings['location']}"
        for item in value.values():
            point_at_hub(item, settings)


def write(path, resources):
    """Sorted by id and without a time in the gzip header: the same data is the same file."""
    lines = [json.dumps(r, ensure_ascii=False, separators=(",", ":")) for r in sorted(resources, key=lambda r: r["id"])]
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write(("\n".join(lines) + "\n").encode())
    return len(lines)


def simulate(clinosim, settings, folder):
    size = ["--population", str(settings["population"]), "--seed", str(settings["seed"])]
    command = [clinosim, "simulate", "--country", "US", *size, "--end", END, "--format", "fhir-r4", "--output", folder]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    made_by = json.loads(pathlib.Path(folder, "fhir_r4", "_generator_metadata.json").read_text("utf-8"))["clinosim_version"]
    if made_by != VERSION:
        sys.exit(f"This is clinosim {made_by}; the data is made with {VERSION}.")
    for file in sorted(pathlib.Path(folder, "fhir_r4").glob("*.ndjson")):
        if file.stem not in DOWN_TYPES:
            resources = [json.loads(line) for line in file.read_text("utf-8").splitlines() if line]
            point_at_hub(resources, settings)
            yield file.stem, resources


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clinosim", default=shutil.which("clinosim"), help="the clinosim program of its venv")
    options = parser.parse_args()
    if options.clinosim is None:
        sys.exit(f"clinosim {VERSION} is not on PATH; see --help for the two lines that install it.")

    # Not data/synthea: make_synthea.py makes that.
    for old in (file for folder in ("hub", *INSTANCES) for file in (DATA / folder).glob("*.ndjson.gz")):
        old.unlink()
    for name, resources in (("Organization", hub_organizations()), ("Location", hub_locations())):
        print(f"hub/{name}: {write(DATA / 'hub' / f'{name}.ndjson.gz', resources)}")
    for instance, settings in INSTANCES.items():
        with tempfile.TemporaryDirectory() as folder:
            for kind, resources in simulate(options.clinosim, settings, folder):
                if resources:
                    print(f"{instance}/{kind}: {write(DATA / instance / f'{kind}.ndjson.gz', resources)}")


if __name__ == "__main__":
    main()
