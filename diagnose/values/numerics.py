"""Where and how a trial computes: what its numbers depend on to the last bit."""

from __future__ import annotations

from dataclasses import dataclass

PRECISIONS = ("fp32", "bf16")
"""bf16 is autocast of the forward pass; weights, gradients and the optimiser stay in fp32."""

LAYOUTS = ("channels-last", "contiguous")

ENGINES = ("eager", "compile", "cuda-graphs")
"""Plain calls, `torch.compile`, and `torch.compile` in the mode that replays CUDA graphs ("reduce-overhead")."""


@dataclass(frozen=True, slots=True)
class Numerics:
    """Where and how a trial computes.

    `micro_batch` is the number of images of one forward pass where a whole batch does not fit the memory: gradients
    add up to those of the batch, but batch norm sees the micro-batch alone. None is the whole batch.
    """

    device: str = "cpu"
    precision: str = "fp32"
    threads: int = 1
    layout: str = "channels-last"
    engine: str = "eager"
    micro_batch: int | None = None

    @property
    def on_gpu(self) -> bool:
        """Return whether it computes on a GPU."""
        return self.device.startswith("cuda")

    def __str__(self) -> str:
        engine = "" if self.engine == "eager" else f", {self.engine}"
        micro = f", {self.micro_batch} images a forward pass" if self.micro_batch else ""
        return f"{self.device} in {self.precision}, {self.layout}{engine}{micro}"


@dataclass(frozen=True, slots=True)
class PartialNumerics:
    """What the user fixed of how trials compute; None is to be chosen by timing. `workers` are trials at a time."""

    precision: str | None = None
    layout: str | None = None
    engine: str | None = None
    threads: int | None = None
    micro_batch: int | None = None
    workers: int | None = None

    def completed(self, device: str) -> Numerics:
        """Return numerics in which what is open has its first value: one thread, no micro-batch."""
        return Numerics(
            device=device,
            precision=self.precision or PRECISIONS[0],
            threads=self.threads or 1,
            layout=self.layout or LAYOUTS[0],
            engine=self.engine or ENGINES[0],
            micro_batch=self.micro_batch,
        )
