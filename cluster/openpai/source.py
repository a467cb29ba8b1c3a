"""Which commit of OpenPAI's source a config means."""

from cluster import versions
from cluster.config import Config

# The last commit of each release branch of github.com/microsoft/pai, and those of its releases. The branches have not
# moved since 2022-01-05, master not since 2024-06-06.
COMMITS = {
    "pai-1.0.y": "c5f5542e8a668891842eb8ec730e089b454fab94",
    "pai-1.1.y": "022d15887b4e915eb75e644226220195b0781a99",
    "pai-1.2.y": "01308462cb6b6c0343c1ca175fcfcd570c2231f7",
    "pai-1.3.y": "6e80802df77c1b420feb55b59cdeb449a2d7b5df",
    "pai-1.4.y": "f25e926eb7f6630807f3e368b2c810c93b73a8d9",
    "pai-1.5.y": "f67d4ef182a1b4451d3e10f0d3c051a1d5cfd77b",
    "pai-1.6.y": "b71d68c4198f1e900d95956b948e01284d7d7407",
    "pai-1.7.y": "ccafd8e06df99385111e1cf07a2cd24d8e955c70",
    "pai-1.8.y": "e842499375da5d1a8721c95450914d028de8b3b3",
    "master": "a95d9420e63e6d6cce2d5cd001b990bb09bf2987",
    "v1.0.0": "d33d039b173ec954271533b5732d55ad92a03a7d",
    "v1.0.1": "55a0b862bd897759f6c80aeb849be1fdde721406",
    "v1.1.0": "a484c061d39ed59acf5e36665f9ec19df33b8b5e",
    "v1.1.1": "022d15887b4e915eb75e644226220195b0781a99",
    "v1.2.0": "116718065a76b96eb13a3bbb5db5c70671334894",
    "v1.2.1": "01308462cb6b6c0343c1ca175fcfcd570c2231f7",
    "v1.3.0": "6e80802df77c1b420feb55b59cdeb449a2d7b5df",
    "v1.4.0": "0c1a96b740bda71306c296851835f2264ed2bcc0",
    "v1.4.1": "f25e926eb7f6630807f3e368b2c810c93b73a8d9",
    "v1.5.0": "f67d4ef182a1b4451d3e10f0d3c051a1d5cfd77b",
    "v1.6.0": "b18ec56fd4cc089e681891825a01c2ee966c4d4b",
    "v1.7.0": "ccafd8e06df99385111e1cf07a2cd24d8e955c70",
    "v1.8.0": "d60cba45000596841cc7f9cf392122be5ce504bb",
}


def reference(config: Config) -> str:
    """The branch or tag of OpenPAI's source: branch_name, else the tag of the config's version, else its branch.

    v1.8.1 has no tag: the branch calls itself so since its last change.
    """
    if config.branch_name:
        return "pai-1.8.y" if config.branch_name == "v1.8.1" else config.branch_name
    version = versions.of(config)
    if "docker_image_tag" in config.model_fields_set and str(version) in COMMITS:
        return str(version)
    return f"pai-{version.series}.y"


def commit(config: Config) -> str | None:
    """The commit to check out: openpai_commit, else the one known for the reference; None where none is known."""
    return config.openpai_commit or COMMITS.get(reference(config))
