"""Tari's emoji: one symbol, of one code point, for each byte.

The table has changed between releases of Tari. Addresses are read and written with the one of v1.3.1; the one before,
in which two symbols had each other's place, is still in wallets that sign their address as text.
"""

from typing import Final

SYMBOLS: Final = (
    "🐢📟🌈🌊🎯🐋🌙🤔🌕⭐🎋🌰🌴🌵🌲🌸"
    "🌹🌻🌽🍀🍁🍄🥑🍆🍇🍈🍉🍊🍋🍌🍍🍎"
    "🍐🍑🍒🍓🍔🍕🍗🍚🍞🍟🥝🍣🍦🍩🍪🍫"
    "🍬🍭🍯🥐🍳🥄🍵🍶🍷🍸🍾🍺🍼🎀🎁🎂"
    "🎃🤖🎈🎉🎒🎓🎠🎡🎢🎣🎤🎥🎧🎨🎩🎪"
    "🎬🎭🎮🎰🎱🎲🎳🎵🎷🎸🎹🎺🎻🎼🎽🎾"
    "🎿🏀🏁🏆🏈⚽🏠🏥🏦🏭🏰🐀🐉🐊🐌🐍"
    "🦁🐐🐑🐔🙈🐗🐘🐙🐚🐛🐜🐝🐞🦋🐣🐨"
    "🦀🐪🐬🐭🐮🐯🐰🦆🦂🐴🐵🐶🐷🐸🐺🐻"
    "🐼🐽🐾👀👅👑👒🧢💅👕👖👗👘👙💃👛"
    "👞👟👠🥊👢👣🤡👻👽👾🤠👃💄💈💉💊"
    "💋👂💍💎💐💔🔒🧩💡💣💤💦💨💩➕💯"  # noqa: RUF001 - it is this symbol
    "💰💳💵💺💻💼📈📜📌📎📖📿📡⏰📱📷"
    "🔋🔌🚰🔑🔔🔥🔦🔧🔨🔩🔪🔫🔬🔭🔮🔱"
    "🗽😂😇😈🤑😍😎😱😷🤢👍👶🚀🚁🚂🚚"
    "🚑🚒🚓🛵🚗🚜🚢🚦🚧🚨🚪🚫🚲🚽🚿🧲"
)
"""The symbol of each byte, from 0x00 on."""
OLDER_SYMBOLS: Final = SYMBOLS.translate({ord(SYMBOLS[0x00]): SYMBOLS[0x7D], ord(SYMBOLS[0x7D]): SYMBOLS[0x00]})
_BYTES: Final = {symbol: value for value, symbol in enumerate(SYMBOLS)}


def encode(data: bytes, symbols: str = SYMBOLS) -> str:
    """Return one symbol for each byte."""
    return "".join(symbols[value] for value in data)


def decode(text: str) -> bytes:
    """Return the bytes that `text` is.

    Raises:
        ValueError: something in it is no symbol.
    """
    try:
        return bytes(_BYTES[symbol] for symbol in text)
    except KeyError:
        raise ValueError("not emoji of Tari") from None
