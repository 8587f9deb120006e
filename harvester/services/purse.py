"""Credit that one transaction may move, as it knows it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harvester.domain.errors import InvariantBroken
from harvester.storage.credit import Owner


@dataclass(frozen=True, slots=True)
class Market:
    """Credit is of one asset on one chain."""

    chain: str
    asset: str


@dataclass
class Purse:
    """Accounts of credit that are locked."""

    ids: Mapping[Owner, int]
    """Theirs and the house's."""
    balances: dict[int, int]
    """Theirs: base units, as this transaction knows them."""

    def owners(self) -> Iterable[Owner]:
        """Return whose they are."""
        return (owner for owner, number in self.ids.items() if number in self.balances)

    def balance(self, owner: Owner) -> int:
        """Return the balance in base units."""
        return self.balances[self.ids[owner]]

    def add(self, owner: Owner, amount: int) -> int:
        """Note that the owner gets `amount`; return the account's id."""
        number = self.ids[owner]
        self.balances[number] += amount
        return number

    def take(self, owner: Owner, amount: int) -> int:
        """Note that the owner gives `amount`; return the account's id.

        Raises:
            InvariantBroken: there is not so much.
        """
        if amount > self.balance(owner):
            raise InvariantBroken(f"{amount} base units are to be spent of {self.balance(owner)}")
        return self.add(owner, -amount)
