"""Damage recorded answers for as long as asked: `python -m tests.ton.verification.fuzz --seconds 3600`.

Every trial follows from the seed and its number, which are printed when one breaks; `--first NUMBER --seconds 0` then
repeats it. Exit status 1 if any trial broke.
"""

import argparse
import sys
from collections import Counter
from random import Random
from time import monotonic

from tests.ton.verification.mutations import mutate
from tests.ton.verification.targets import all_targets
from tests.ton.verification.trial import Broken, attempt


def main() -> int:
    """Run trials until the time is over."""
    options = _parse()
    targets = all_targets()
    honest = [target.facts(target.honest) for target in targets]
    answers = [target.honest for target in targets]
    outcomes: Counter[str] = Counter()
    number, until = options.first, monotonic() + options.seconds
    while number == options.first or monotonic() < until:
        random = Random(f"{options.seed} {number}")  # noqa: S311 # trials are to be repeated
        index = random.randrange(len(targets))
        damaged = mutate(random, answers[index], answers)
        try:
            outcomes[attempt(targets[index], honest[index], damaged)] += 1
        except Broken as broken:
            outcomes["BROKEN"] += 1
            sys.stderr.write(f"seed {options.seed} trial {number}: {broken}\n")
        number += 1
    for outcome, count in outcomes.most_common():
        sys.stdout.write(f"{count:10} {outcome}\n")
    return 1 if outcomes["BROKEN"] else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first trial")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
