"""What the calls of one model in one stage will take: tokens, money and hours, from what the sample's calls took.

Pure arithmetic on the journal's sums, so that it is tested with numbers worked out by hand. (Rejected: a simulation of
the run, which would know queues and rate limits better and yet stand on the same three latencies.)
"""

from __future__ import annotations

from dataclasses import dataclass

from castwright.generators.calls.usage import Price, Usage
from castwright.generators.models.config import ModelBlock, OfflineModel, OpenAIModel, TransformersModel
from castwright.pipelines.estimate_interval import About, longest, per_call, per_row, product, together

_HOUR = 3_600.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What a sample showed of one model in one stage, and how much more is to come.

    `sample` rows made the calls of `usage`, each between `least` and `most` of them; the full run has `asking` such
    rows. `scaled` is the hours that the stage takes if every row takes what the sample's did, and at least its start.
    """

    block: ModelBlock
    usage: Usage
    sample: int
    least: int
    most: int
    asking: About
    scaled: About

    @property
    def batched(self) -> bool:
        """Whether the full run sends its calls through the provider's Batch API."""
        return isinstance(self.block, OpenAIModel) and self.block.batch is not None

    @property
    def calls(self) -> About:
        """The calls of the full run, without retries."""
        more = self.asking.mean
        each = per_row(self.usage.asked, self.sample, least=self.least, most=self.most, more=more)
        return product(self.asking, each)

    def taking(self, added: float, squares: float, *, least: float = 0.0) -> About | None:
        """Return what each call takes of what the sample's answers took together, and their squares."""
        answers = self.usage.asked - self.usage.failed
        return per_call(added, squares, answers, rows=self.sample, more=self.asking.mean, least=least)

    @property
    def tokens(self) -> tuple[About, About] | None:
        """The (input, output) tokens of the full run; None where no call of the sample was answered."""
        used = self.usage
        # an answered call has at least one token on either side
        into = self.taking(used.answer_input, used.input_squares, least=1)
        out = self.taking(used.answer_output, used.output_squares, least=1)
        return (product(self.calls, into), product(self.calls, out)) if into and out else None


def cost_of(asked: Asked, price: Price) -> About | None:
    """Return the money for the tokens, in the sample's share of cached input, at the upper end with none cached.

    Input and output are taken to be high together and low together: no other way they hang together costs more.
    """
    if asked.tokens is None:
        return None
    into, out = asked.tokens
    cached = asked.usage.answer_cached / asked.usage.answer_input if asked.usage.answer_input else 0.0
    mean = price.of(into.mean, out.mean, into.mean * cached, batched=asked.batched)
    if into.low is None or into.high is None or out.low is None or out.high is None:
        return About(mean, None, None)
    low = price.of(into.low, out.low, into.low * cached, batched=asked.batched)
    return About(mean, low, price.of(into.high, out.high, batched=asked.batched))


def hours_of(asked: Asked) -> About | None:
    """Return the hours that the calls take at the speed the model's block allows; None where a provider decides.

    A server takes `max_in_flight` calls at a time, never more than there are rows, and no more in a minute than its
    limits. A local model takes `batch_size` together: the sample's batches may have been smaller, and at the upper
    end not one row more fits into the time of such a batch. The offline model is scaled up with the stage it is in.
    """
    seconds = asked.taking(asked.usage.seconds, asked.usage.seconds_squares)
    if asked.batched or asked.tokens is None or seconds is None:
        return None
    block, calls = asked.block, asked.calls
    work = product(calls, seconds).times(1 / _HOUR)
    match block:
        case OfflineModel():
            return asked.scaled
        case TransformersModel():
            filled, as_seen = block.batch_size, max(1, min(block.batch_size, asked.sample))
            return About(work.mean / filled, work.times(1 / filled).low, work.times(1 / as_seen).high)
        case OpenAIModel():
            bounds = [work.times(1 / min(block.max_in_flight, max(1.0, asked.asking.mean)))]
            if block.requests_per_minute:
                bounds.append(calls.times(1 / block.requests_per_minute / 60))
            if block.tokens_per_minute:
                bounds.append(together(asked.tokens).times(1 / block.tokens_per_minute / 60))
            return longest(bounds)
