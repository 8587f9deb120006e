"""What requests may hold: the only place with the names and bounds of their members.

Members are found as existing integrations write them: whatever their case, the last of equal ones, `null` as if it were
absent, unknown ones ignored.
"""

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Annotated, Any, Final

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from harvester.api.json_text import compact, decode_json, split_object
from harvester.domain.errors import InvalidInput
from harvester.domain.identifiers import MAX_MERCHANT_ID
from harvester.domain.rates import Money, parse_currency, parse_price
from harvester.services.invoicing import Draft

MAX_AMOUNT_DIGITS: Final = 78
"""What 256 bits can hold; what the asset can carry is the currency's to say."""
MAX_LIFE_TIME_SECS: Final = 2**63 - 1
MAX_TEXT: Final = 2048
"""Characters of a name or a URL."""
MAX_LOGO: Final = 1 << 15
"""Characters: some shops give the picture itself, as a data URL."""
MAX_GOODS: Final = 1000
MAX_METADATA_BYTES: Final = 1 << 16
"""It goes into each event, and is sealed for each reader."""
DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 1_000

_AMOUNT: Final = re.compile(rf"\+?0*([0-9]{{1,{MAX_AMOUNT_DIGITS}}})")
_LIMIT: Final = re.compile(r"\+?0*([0-9]{1,4})")


def _fold_names(members: Iterable[tuple[str, Any]], null: object = None) -> dict[str, Any]:
    return {name.casefold(): value for name, value in members if value != null}


def _parse_amount(value: object) -> int:
    if isinstance(value, str) and (digits := _AMOUNT.fullmatch(value)) and (amount := int(digits[1])):
        return amount
    raise PydanticCustomError(
        "amount",
        "a string with a positive integer is expected, in base units, {digits} digits at most",
        {"digits": MAX_AMOUNT_DIGITS},
    )


class _Members(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _fold(cls, value: object) -> object:
        if value is None:
            return {}
        return _fold_names(value.items()) if isinstance(value, dict) else value


class Good(_Members):
    """One thing that is bought."""

    name: str = Field(default="", max_length=MAX_TEXT)


class Metadata(_Members):
    """What is bought, and from whom. It is stored as one JSON text: a further member needs no migration."""

    goods: list[Good] = Field(default=[], max_length=MAX_GOODS)
    mcc_code: int = Field(default=0, ge=0, le=9999)
    """The four digits of ISO 18245 as a number: 742 is 0742. 0: none."""
    merchant_logo: str | None = Field(default=None, max_length=MAX_LOGO)
    merchant_name: str = Field(min_length=1, max_length=MAX_TEXT)
    merchant_url: str | None = Field(default=None, max_length=MAX_TEXT)

    def text(self) -> str:
        """Return it as JSON, the members in alphabetical order.

        Raises:
            InvalidInput: it is too long as a whole.
        """
        text = orjson.dumps(self.model_dump(exclude_none=True))
        if len(text) > MAX_METADATA_BYTES:
            raise InvalidInput(f"invalid invoice data: metadata: may have {MAX_METADATA_BYTES} bytes as JSON at most")
        return text.decode()


def _parse_merchant_id(value: object) -> str | None:
    if value is None or (isinstance(value, str) and 0 < len(value) <= MAX_MERCHANT_ID and value.isprintable()):
        return value
    raise PydanticCustomError(
        "merchant_id", "a string of 1 to {longest} printable characters is expected", {"longest": MAX_MERCHANT_ID}
    )


_MerchantId = Annotated[str | None, BeforeValidator(_parse_merchant_id)]


def _text_read_by(read: Callable[[str], object]) -> BeforeValidator:
    def validate(value: object) -> object:
        if not isinstance(value, str):
            raise PydanticCustomError("text", "a string is expected")
        try:
            return read(value)
        except InvalidInput as refusal:
            raise PydanticCustomError("refused", "{reason}", {"reason": str(refusal)}) from None

    return BeforeValidator(validate)


class NewPrice(_Members):
    """What is asked for in a currency that is none of the merchant's assets."""

    amount: Annotated[Decimal, _text_read_by(parse_price)]
    currency: Annotated[str, _text_read_by(parse_currency)]


class NewInvoice(_Members):
    """The body of a request to create an invoice, without `private_info`: that stays text."""

    amount: Annotated[int | None, BeforeValidator(_parse_amount)] = None
    price: NewPrice | None = None
    currency: str
    life_time: int = Field(gt=0, le=MAX_LIFE_TIME_SECS)
    metadata: Metadata
    order_id: _MerchantId = None
    customer_id: _MerchantId = None

    def asked(self) -> int | Money:
        """Return what is asked for: base units, or a price.

        Raises:
            InvalidInput: it is neither or both.
        """
        if self.amount is not None and self.price is None:
            return self.amount
        if self.price is not None and self.amount is None:
            return Money(self.price.amount, self.price.currency)
        raise InvalidInput("invalid invoice data: either `amount` or `price` is expected, not both")


def parse_draft(body: bytes) -> Draft:
    """Return the invoice that a request body asks for. Currency, and the bounds that depend on it, are not checked.

    Raises:
        InvalidInput: the body is not allowed.
    """
    members = _fold_names(split_object(decode_json(body)), null="null")
    private_info = members.pop("private_info", "{}")
    new = _validate({name: _parse(value, name) for name, value in members.items() if name in NewInvoice.model_fields})
    return Draft(
        amount=new.asked(),
        ticker=new.currency,
        life_time_secs=new.life_time,
        private_info=_object_text(private_info),
        metadata=new.metadata.text(),
        order_id=new.order_id,
        customer_id=new.customer_id,
    )


def parse_limit(text: str) -> int:
    """Return how many invoices a list may have; an empty text means the default.

    Raises:
        InvalidInput: it is not an integer from 1 to MAX_LIMIT.
    """
    if not text:
        return DEFAULT_LIMIT
    digits = _LIMIT.fullmatch(text)
    if not digits or not 1 <= int(digits[1]) <= MAX_LIMIT:
        raise InvalidInput(f"invalid limit: an integer from 1 to {MAX_LIMIT} is expected")
    return int(digits[1])


def _validate(members: dict[str, Any]) -> NewInvoice:
    try:
        return NewInvoice.model_validate(members)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise InvalidInput(f"invalid invoice data: {where}: {first['msg']}") from None


def _parse(value: str, name: str) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise InvalidInput(f"invalid invoice data: {name}: nested too deeply, or a number out of range") from None


def _object_text(value: str) -> str:
    if not value.startswith("{"):
        raise InvalidInput("invalid invoice data: private_info: must be an object")
    return compact(value)
