"""Addresses of the wallets that people have, from version and public key: their code itself is not needed.

An address is the hash of the wallet's `StateInit`, and a hash takes of the children no more than hashes and depths
(TVM paper 3.1.5). The initial data of every version is some constant bits, the public key, and for the newer ones an
empty dictionary: of plugins, extensions or queries.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from harvester.domain.errors import InvalidInput
from harvester_ton.cell_building import cell_from_bits

_STATE_INIT: Final = bytes((2, 1, 0b00110_100))
"""Two references, five bits: no split depth, no special, code, data, no libraries; closed by a 1 and zeros."""
_KEY_BITS: Final = 256
_SUBWALLET: Final = 698983191
"""The default one in workchain 0."""
_MAINNET: Final = -239 & 0xFFFFFFFF
_V5_WALLET_ID: Final = 1 << 31 ^ _MAINNET
"""Workchain 0, version 0, subwallet 0, bound to the network."""


@dataclass(frozen=True, slots=True)
class _Version:
    code_hash: bytes
    code_depth: int
    before_key: int
    """What stands before the public key, as a number of so many bits."""
    bits_before_key: int
    dictionary: bool = False

    def data_hash(self, public_key: bytes) -> bytes:
        value = self.before_key << _KEY_BITS | int.from_bytes(public_key)
        bits = self.bits_before_key + _KEY_BITS
        return cell_from_bits(value << self.dictionary, bits + self.dictionary).hash


def _version(code_hash: str, code_depth: int, before_key: int, bits: int, *, dictionary: bool = False) -> _Version:
    return _Version(bytes.fromhex(code_hash), code_depth, before_key, bits, dictionary)


_VERSIONS: Final = {
    # seqno:32 key
    "v1R1": _version("a0cfc2c48aee16a271f2cfc0b7382d81756cecb1017d077faaab3bb602f6868c", 0, 0, 32),
    "v1R2": _version("d4902fcc9fad74698fa8e353220a68da0dcf72e32bcb2eb9ee04217c17d3062c", 0, 0, 32),
    "v1R3": _version("587cc789eff1c84f46ec3797e45fc809a14ff5ae24f1e0c7a6a99cc9dc9061ff", 0, 0, 32),
    "v2R1": _version("5c9a5e68c108e18721a07c42f9956bfb39ad77ec6d624b60c576ec88eee65329", 0, 0, 32),
    "v2R2": _version("fe9530d3243853083ef2ef0b4c2908c0abf6fa1c31ea243aacaa5bf8c7d753f1", 0, 0, 32),
    # seqno:32 subwallet:32 key
    "v3R1": _version("b61041a58a7980b946e8fb9e198e3c904d24799ffa36574ea4251c41a566f581", 0, _SUBWALLET, 64),
    "v3R2": _version("84dafa449f98a6987789ba232358072bc0f76dc4524002a5d0918b9a75d2d599", 0, _SUBWALLET, 64),
    # seqno:32 subwallet:32 key plugins:dict
    "v4R1": _version(
        "64dd54805522c5be8a9db59cea0105ccf0d08786ca79beb8cb79e880a8d7322d", 7, _SUBWALLET, 64, dictionary=True
    ),
    "v4R2": _version(
        "feb5ff6820e2ff0d9483e7e0d62c817d846789fb4ae580c878866d959dabd5c0", 7, _SUBWALLET, 64, dictionary=True
    ),
    # seqno:33 network:32 workchain:8 version:8 subwallet:32 key extensions:dict; the code is a library cell
    "v5Beta": _version(
        "f3d7ca53493deedac28b381986a849403cbac3d2c584779af081065af0ac4b93", 0, _MAINNET << 48, 113, dictionary=True
    ),
    # signature_allowed:1 seqno:32 wallet_id:32 key extensions:dict
    "v5R1": _version(
        "20834b7b72b112147e1b2fb457b84e74d1a30f04f737d4f62a668e9552d2b72f",
        6,
        1 << 64 | _V5_WALLET_ID,
        65,
        dictionary=True,
    ),
    # subwallet:32 last_cleaned:64 key queries:dict
    "highload_v2R2": _version(
        "203dd4f358adb49993129aa925cac39916b68a0e4f78d26e8f2c2b69eafa5679", 4, _SUBWALLET << 64, 96, dictionary=True
    ),
}
WALLET_VERSIONS: Final = tuple(_VERSIONS)


def wallet_address(version: str, public_key: bytes) -> str:
    """The raw address of the wallet of a version (one of WALLET_VERSIONS) and a key (32 bytes).

    Workchain 0, default subwallet, mainnet. InvalidInput lists the versions.
    """
    try:
        known = _VERSIONS[version]
    except KeyError:
        raise InvalidInput(f"wallet_version must be one of {', '.join(WALLET_VERSIONS)}") from None
    depths = known.code_depth.to_bytes(2) + bytes(2)
    digest = sha256(_STATE_INIT + depths + known.code_hash + known.data_hash(public_key)).digest()
    return f"0:{digest.hex()}"
