"""The configured adapters as the core uses them: currencies by ticker, and each invoice to the chain it is paid on."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from harvester.chain import Account, Adapter, ClaimingAdapter, Destination, Health, Sealer, SealingAdapter
from harvester.domain.errors import ConfigurationError, InvalidInput
from harvester.domain.invoice import Invoice, PaymentRequest
from harvester.domain.money import Currency
from harvester.metrics import OTHER_ASSET

_NOT_PAYABLE = PaymentRequest(links={}, payload=None, details={})


class Chains:
    """All adapters of this process.

    Raises:
        ConfigurationError: two adapters use one ticker.
    """

    def __init__(self, adapters: Sequence[Adapter]) -> None:
        self.adapters: Mapping[str, Adapter] = {adapter.name: adapter for adapter in adapters}
        self._currencies: dict[str, Currency] = {}
        self._standing_by: dict[str, str] = {}
        for adapter in adapters:
            for currency in adapter.currencies():
                if currency.ticker in self._currencies:
                    raise ConfigurationError(f"the ticker {currency.ticker!r} is used by two currencies")
                self._currencies[currency.ticker] = currency

    def currency(self, ticker: str, name: str = "currency") -> Currency:
        """Return the currency called `ticker`, which errors call `name`.

        Raises:
            InvalidInput: there is none; the message lists what is allowed.
        """
        try:
            return self._currencies[ticker]
        except KeyError:
            allowed = ", ".join(self._currencies)
            raise InvalidInput(f"{name} must be one of: {allowed}") from None

    def currencies(self) -> Sequence[Currency]:
        """Return all currencies."""
        return list(self._currencies.values())

    def first_currency(self) -> Currency:
        """Return the first currency of the first chain: that chain's own coin."""
        return next(iter(self._currencies.values()))

    def find_currency(self, chain: str, asset: str) -> Currency | None:
        """Return the currency that an asset is, or None if it is not configured."""
        return next((each for each in self._currencies.values() if (each.chain, each.asset) == (chain, asset)), None)

    def asset_label(self, chain: str, asset: str) -> str:
        """Return what metrics call an asset: its ticker, or one name for all that are not configured."""
        currency = self.find_currency(chain, asset)
        return currency.ticker if currency else OTHER_ASSET

    def tickers(self) -> Mapping[str, Sequence[str]]:
        """Return the tickers of each chain's currencies, by the chain's name."""
        return {
            chain: [each.ticker for each in self._currencies.values() if each.chain == chain] for chain in self.adapters
        }

    def asset_forms(self, text: str) -> Sequence[str]:
        """Return what `text` may mean as an asset: itself, or the asset of the currency that has this ticker."""
        currency = self._currencies.get(text)
        return [text, currency.asset] if currency else [text]

    def address_forms(self, text: str) -> Sequence[str]:
        """Return what `text` may mean as an address: itself, or its canonical form on a chain that knows it."""
        forms = [text]
        for adapter in self.adapters.values():
            with suppress(InvalidInput):
                forms.append(adapter.parse_address(text))
        return forms

    def parse_address(self, chain: str, text: str) -> str:
        """Return the canonical form of an address.

        Raises:
            InvalidInput: it is none of the chain, or the chain is not configured.
        """
        self.check_chain(chain)
        return self.adapters[chain].parse_address(text)

    def check_chain(self, chain: str) -> None:
        """Raise InvalidInput if the chain is not configured; the message lists those that are."""
        if chain not in self.adapters:
            raise InvalidInput(f"chain must be one of: {', '.join(self.adapters)}")

    def pay_to_address(self, currency: Currency) -> str:
        """Return the merchant's address for a new invoice in `currency`."""
        return self.adapters[currency.chain].pay_to_address(currency)

    def pushed_account(self, chain: str, asset: str) -> Account:
        """Return where money arrives on a chain whose payments are reported to us: one account for each asset.

        Raises:
            InvalidInput: the chain is not configured, or has no such asset.
        """
        currency = self.find_currency(chain, asset)
        if currency is None:
            raise InvalidInput(f"the chain {chain} has no asset {asset}")
        address = self.pay_to_address(currency)
        return Account(chain, address, address, asset)

    def destinations(self, chain: str) -> Sequence[Destination]:
        """Return what new invoices on `chain` are to be paid to."""
        adapter = self.adapters[chain]
        return [Destination(adapter.pay_to_address(each), each.asset) for each in adapter.currencies()]

    def payment_request(self, invoice: Invoice) -> PaymentRequest:
        """Say how `invoice` is paid; without links and payload if its chain is no longer configured."""
        adapter = self.adapters.get(invoice.chain)
        return adapter.payment_request(invoice) if adapter else _NOT_PAYABLE

    def find_claimant(self, order: Invoice) -> str | None:
        """Return the address whose owner has signed for `order` in the note that came with it; None: nobody has."""
        adapter = self.adapters.get(order.chain)
        if order.note is None or order.order_id is None or not isinstance(adapter, ClaimingAdapter):
            return None
        return adapter.find_claimant(order.note, order.order_id)

    def sealers(self) -> Mapping[str, Sealer]:
        """Return what seals purchase metadata, by chain, of those chains where it is enabled."""
        return {
            name: sealer
            for name, adapter in self.adapters.items()
            if isinstance(adapter, SealingAdapter) and (sealer := adapter.sealer())
        }

    def stand_by(self, chain: str, reason: str) -> None:
        """Take note that this process does not scan `chain`, which is well; `reason` says why, to anybody."""
        self._standing_by[chain] = reason

    def take_up(self, chain: str) -> None:
        """Take note that this process scans `chain`."""
        self._standing_by.pop(chain, None)

    def health(self) -> Mapping[str, Health]:
        """Return each chain's health by name; a chain that this process does not scan is ready."""
        return {
            name: Health(True, None, None, (reason,)) if (reason := self._standing_by.get(name)) else adapter.health()
            for name, adapter in self.adapters.items()
        }
