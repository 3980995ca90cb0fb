"""NAdam and its kin: torch's state dict, buffers by setting, special settings bit for bit."""

import copy

import pytest
import torch

from adaopt.torch import AdEMAMix, GeneralizedAdam, NAdam, NadamP, NAdamW

HYPER = {"lr": 0.03, "betas": (0.83, 0.97), "eps": 1e-3, "weight_decay": 0.2}


@pytest.fixture
def double():
    """torch keeps NAdam's product of momenta in the default dtype: here float64, as ours."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("decoupled", [False, True])
def test_goes_on_from_the_state_of_torch_and_back(problem, equal, decoupled):
    hyper = HYPER | {"momentum_decay": 0.31, "decoupled_weight_decay": decoupled}
    ours, theirs = problem(), problem()
    a, b = NAdam(ours.params, **hyper), torch.optim.NAdam(theirs.params, **hyper)
    equal(ours.run(a, 7), theirs.run(b, 7), 1e-14)
    for p, q in zip(ours.params, theirs.params, strict=True):
        assert a.state[p].keys() == b.state[q].keys()
        assert a.state[p]["mu_product"] == pytest.approx(b.state[q]["mu_product"].item(), rel=1e-14)
    saved = copy.deepcopy(b.state_dict())
    if not decoupled:  # torch once had no such keyword
        del saved["param_groups"][0]["decoupled_weight_decay"]
    a.load_state_dict(saved)
    assert a.param_groups[0]["variant"] == "torch"
    equal(ours.run(a, 7), theirs.run(b, 7), 1e-14)
    b.load_state_dict(copy.deepcopy(a.state_dict()))
    equal(ours.run(a, 7), theirs.run(b, 7), 1e-14)


@pytest.mark.parametrize("way", [{}, {"foreach": False}])
def test_nadamp_at_two_is_nadamw_bit_for_bit(problem, equal, way):
    ours, theirs = problem(), problem()
    a, b = NadamP(ours.params, **HYPER, **way), NAdamW(theirs.params, **HYPER, **way)
    equal(ours.run(a, 9), theirs.run(b, 9))


@pytest.mark.usefixtures("compiler")
@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")  # torch of itself
def test_nadamp_at_two_is_nadamw_bit_for_bit_compiled(problem, equal):
    ours, theirs = problem([(5, 3)]), problem([(5, 3)])
    a, b = NadamP(ours.params, **HYPER, fused=True), NAdamW(theirs.params, **HYPER, fused=True)
    equal(ours.run(a, 9), theirs.run(b, 9))


def test_generalized_adam_keeps_what_its_setting_needs(problem):
    for preconditioning, names in (
        (True, {"step", "exp_avg", "exp_avg_sq"}),
        (False, {"step", "momentum_buffer"}),
    ):
        p = problem([(3,)])
        optimizer = GeneralizedAdam(p.params, preconditioning=preconditioning)
        p.run(optimizer, 2)
        assert optimizer.state[p.params[0]].keys() == names


def test_the_values_that_are_theirs_alone(problem):
    params = problem([(3,)]).params
    with pytest.raises(ValueError, match=r"Invalid power value: 0\.5"):
        NadamP(params, power=0.5)
    with pytest.raises(
        ValueError, match=r"Invalid variant value: 'keras' .expected one of 'torch'"
    ):
        NAdam(params, variant="keras")
    with pytest.raises(TypeError, match=r"Invalid alpha_warmup value: 1\.5 .*a whole number"):
        AdEMAMix(params, alpha_warmup=1.5)
    with pytest.raises(TypeError, match="3 numbers"):
        AdEMAMix(params, betas=(0.9, 0.999))
    with pytest.raises(TypeError, match="unexpected keyword argument 'nesterov'"):
        NAdamW(params, nesterov=False)
