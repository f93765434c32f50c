"""Optimizers that PyTorch lacks, over torch's tensors: written after their authors' own code."""

from typing import Any

import torch


class Reference(torch.optim.Optimizer):
    """Calls `update(p, g, state, group)` for each parameter that has a gradient."""

    def __init__(self, params, *, foreach=False, maximize=False, **settings):
        assert not foreach
        super().__init__(params, settings | {"maximize": maximize})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # no closure here
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    g = -p.grad if group["maximize"] else p.grad.clone()
                    state = self.state[p]
                    state["k"] = state.get("k", 0) + 1
                    self.update(p, g, state, group)

    def update(
        self, p: torch.Tensor, g: torch.Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        raise NotImplementedError

    @staticmethod
    def mean(state, p, name):
        return state.setdefault(name, torch.zeros_like(p))


class Lion(Reference):
    def update(self, p, g, state, group):
        beta1, beta2 = group["betas"]
        p.mul_(1 - group["lr"] * group["weight_decay"])
        m = self.mean(state, p, "m")
        update = m.clone().mul_(beta1).add(g, alpha=1 - beta1).sign_()
        p.add_(update, alpha=-group["lr"])
        m.mul_(beta2).add_(g, alpha=1 - beta2)


class ADOPT(Reference):
    def update(self, p, g, state, group):
        beta1, beta2 = group["betas"]
        decay, decoupled = group["weight_decay"], group["decoupled_weight_decay"]
        m, v = self.mean(state, p, "m"), self.mean(state, p, "v")
        if decay and not decoupled:
            g = g.add(p, alpha=decay)
        if state["k"] == 1:
            v.addcmul_(g, g)
            return
        if decay and decoupled:
            p.add_(p, alpha=-group["lr"] * decay)
        clip = (state["k"] - 1) ** 0.25
        normed = g.div(torch.clamp(v.sqrt(), group["eps"])).clamp_(-clip, clip)
        m.mul_(beta1).add_(normed, alpha=1 - beta1)
        p.add_(m, alpha=-group["lr"])
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)


class _ScheduleFree(Reference):
    def average(self, p, state, group):
        k = state["k"] - 1
        warmup = group["warmup_steps"]
        lr = group["lr"] * ((k + 1) / warmup if k < warmup else 1.0)
        state["lr_max"] = max(lr, state.get("lr_max", 0))
        weight = (k + 1) ** group["r"] * state["lr_max"] ** group["weight_lr_power"]
        state["weight_sum"] = state.get("weight_sum", 0) + weight
        if "z" not in state:
            state["z"] = p.clone()
        return lr, weight / state["weight_sum"] if state["weight_sum"] else 0

    @staticmethod
    def move(p, z, g, lr, beta, c):
        p.lerp_(z, c)
        p.add_(g, alpha=lr * (beta * (1 - c) - 1))
        z.sub_(g, alpha=lr)


class SGDScheduleFree(_ScheduleFree):
    def update(self, p, g, state, group):
        lr, c = self.average(p, state, group)
        g.add_(p, alpha=group["weight_decay"])
        self.move(p, state["z"], g, lr, group["momentum"], c)


class AdamWScheduleFree(_ScheduleFree):
    def update(self, p, g, state, group):
        beta1, beta2 = group["betas"]
        lr, c = self.average(p, state, group)
        v = self.mean(state, p, "v").mul_(beta2).addcmul_(g, g, value=1 - beta2)
        denominator = v.div(1 - beta2 ** state["k"]).sqrt_().add_(group["eps"])
        g.div_(denominator).add_(p, alpha=group["weight_decay"])
        self.move(p, state["z"], g, lr, beta1, c)


class LARS(Reference):
    def update(self, p, g, state, group):
        decay, size, slope = group["weight_decay"], p.norm(), g.norm()
        trust = 1.0
        if size > 0 and slope > 0:
            trust = group["trust_coefficient"] * size / (slope + size * decay + group["eps"])
        b = self.mean(state, p, "b").mul_(group["momentum"])
        b.add_(g.add(p, alpha=decay).mul_(trust), alpha=group["lr"])
        p.sub_(b)


class LAMB(Reference):
    def update(self, p, g, state, group):
        beta1, beta2 = group["betas"]
        m = self.mean(state, p, "m").mul_(beta1).add_(g, alpha=1 - beta1)
        v = self.mean(state, p, "v").mul_(beta2).addcmul_(g, g, value=1 - beta2)
        m_hat, v_hat = m / (1 - beta1 ** state["k"]), v / (1 - beta2 ** state["k"])
        step = m_hat / v_hat.sqrt().add_(group["eps"])
        step.add_(p, alpha=group["weight_decay"])
        size, length = p.norm(), step.norm()
        trust = size / length if size > 0 and length > 0 else 1.0
        p.add_(trust * step, alpha=-group["lr"])


class CautiousAdamW(Reference):
    """After github.com/kyleliang919/C-Optim, c_adamw.py."""

    def update(self, p, g, state, group):
        beta1, beta2 = group["betas"]
        m = self.mean(state, p, "m").mul_(beta1).add_(g, alpha=1 - beta1)
        v = self.mean(state, p, "v").mul_(beta2).addcmul_(g, g, value=1 - beta2)
        denominator = v.sqrt().add_(group["eps"])
        step_size = group["lr"] * (1 - beta2 ** state["k"]) ** 0.5 / (1 - beta1 ** state["k"])
        mask = (m * g > 0).to(g.dtype)
        mask.div_(mask.mean().clamp_(min=1e-3))
        p.add_((m * mask) / denominator, alpha=-step_size)
        p.add_(p, alpha=-group["lr"] * group["weight_decay"])


class SophiaG(Reference):
    """After github.com/Liuhong99/Sophia, sophia.py."""

    def update_hessian(self):
        for group in self.param_groups:
            for p in group["params"]:
                h = self.mean(self.state[p], p, "h")
                h.mul_(group["betas"][1]).addcmul_(p.grad, p.grad, value=1 - group["betas"][1])

    def update(self, p, g, state, group):
        p.mul_(1 - group["lr"] * group["weight_decay"])
        m = self.mean(state, p, "m").mul_(group["betas"][0]).add_(g, alpha=1 - group["betas"][0])
        ratio = (m.abs() / (group["rho"] * state["h"] + 1e-15)).clamp(None, 1)
        p.addcmul_(m.sign(), ratio, value=-group["lr"])


class RpropPlus(Reference):
    """After Igel & Huesken 2000, Figure 1, one element at a time."""

    def update(self, p, g, state, group):
        last, size = (
            self.mean(state, p, "last"),
            state.setdefault("size", torch.full_like(p, group["lr"])),
        )
        move = self.mean(state, p, "move")
        low, high = group["step_sizes"]
        for k in range(p.numel()):
            element = [x.view(-1)[k : k + 1] for x in (p, g, last, size, move)]
            x, slope, before, d, step = element
            if slope * before > 0:
                d.copy_(torch.clamp(d * group["etas"][1], max=high))
                step.copy_(-slope.sign() * d)
                x.add_(step)
                before.copy_(slope)
            elif slope * before < 0:
                d.copy_(torch.clamp(d * group["etas"][0], min=low))
                x.sub_(step)
                step.zero_()
                before.zero_()
            else:
                step.copy_(-slope.sign() * d)
                x.add_(step)
                before.copy_(slope)


class MuonAll(Reference):
    """torch's Muon for matrices, flattened where they have more axes, and AdamW for vectors."""

    def update(self, p, g, state, group):
        if not isinstance(state.get("inner"), torch.optim.Optimizer):
            flat = p.detach().reshape(p.shape[0], -1) if p.ndim > 1 else p.detach()
            state["flat"] = flat
            decay = group["weight_decay"]
            state["inner"] = (
                torch.optim.Muon([flat], group["lr"], decay, group["momentum"])
                if p.ndim > 1
                else torch.optim.AdamW(
                    [flat], group["aux_lr"], (0.9, 0.95), eps=1e-10, weight_decay=decay
                )
            )
        state["flat"].grad = g.reshape(state["flat"].shape)
        state["inner"].step()


def in_eight_bits(x, most, roots):
    """Numbers at the nearest of 8-bit levels, (k / most) ** 2 ** roots of a block's largest one."""
    flat = torch.nn.functional.pad(x.abs().flatten(), (0, -x.numel() % 256)).reshape(-1, 256)
    largest = flat.amax(1, keepdim=True).float().double()
    share = torch.nan_to_num(flat / largest) ** 0.5**roots
    between = (torch.arange(most, dtype=torch.float64) + 0.5) / most
    level = torch.bucketize(share, between, right=True)
    if roots == 2:  # what a step is divided by never becomes zero
        level = torch.where(flat > 0, level.clamp(min=1), level)
    rounded = (level.double() / most) ** 2**roots * largest
    return rounded.flatten()[: x.numel()].reshape(x.shape) * x.sign()


class Adam8bit(torch.optim.Adam):
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # no closure here
        super().step()
        for state in self.state.values():
            state["exp_avg"].copy_(in_eight_bits(state["exp_avg"], 127, 1))
            state["exp_avg_sq"].copy_(in_eight_bits(state["exp_avg_sq"], 255, 2))


class AdamW8bit(Adam8bit):
    def __init__(self, params, **settings):
        super().__init__(params, **settings | {"decoupled_weight_decay": True})


class Lion8bit(Lion):
    def update(self, p, g, state, group):
        super().update(p, g, state, group)
        state["m"].copy_(in_eight_bits(state["m"], 127, 1))
