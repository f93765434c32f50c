"""A group of one process: what programs for several processes do in it."""

import contextlib
import importlib
import tempfile
import warnings

import pytest


@contextlib.contextmanager
def one_process(torch, **options):
    """A block in which there is a default group."""
    with tempfile.TemporaryDirectory() as folder:
        torch.distributed.init_process_group(
            "gloo", init_method=f"file://{folder}/meet", rank=0, world_size=1, **options
        )
        try:
            yield torch.distributed
        finally:
            torch.distributed.destroy_process_group()


QUESTIONS = ["get_rank", "get_world_size", "get_backend", "barrier", "new_group"]


def check_questions_without_a_group_are_refused(torch):
    for question in QUESTIONS:
        with pytest.raises(ValueError, match="Default process group has not been initialized"):
            getattr(torch.distributed, question)()


def check_a_group_without_numbers_is_refused(torch):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("WORLD_SIZE", raising=False)
        patch.delenv("RANK", raising=False)
        with pytest.raises(ValueError, match="environment variable RANK expected, but not set"):
            torch.distributed.init_process_group("gloo")
        with pytest.raises(ValueError, match="WORLD_SIZE expected, but not set"):
            torch.distributed.init_process_group("gloo", rank=0)
    with pytest.raises(ValueError, match="file:// rendezvous: world size parameter missing"):
        torch.distributed.init_process_group("gloo", init_method="file:///nowhere", rank=0)
    assert not torch.distributed.is_initialized()


def check_a_group_is_made_and_ended(torch):
    with one_process(torch) as distributed:
        assert distributed.is_initialized()
        assert (distributed.get_rank(), distributed.get_world_size()) == (0, 1)
        assert distributed.get_backend() == distributed.Backend.GLOO == "gloo"
        assert distributed.group.WORLD is distributed.GroupMember.WORLD is not None
        with pytest.raises(ValueError, match="initialize the default process group twice"):
            distributed.init_process_group("gloo", init_method="file:///x", rank=0, world_size=1)
    assert not distributed.is_initialized()
    with pytest.raises(AssertionError, match="Process group cannot be None"):
        distributed.destroy_process_group()


def check_backends_of_other_devices_are_not_built_in(torch):
    for name in ("nccl", "xccl"):  # PyTorch warns of nccl before it raises
        with (
            warnings.catch_warnings(action="ignore"),
            pytest.raises(RuntimeError, match="Distributed package doesn't have"),
        ):
            torch.distributed.init_process_group(
                name, init_method="file:///nowhere", rank=0, world_size=1
            )
    assert not torch.distributed.is_nccl_available()
    assert torch.distributed.is_gloo_available()


def check_reductions_of_one_tensor_leave_it(torch):
    with one_process(torch) as distributed:
        x = torch.tensor([1.0, 2.0])
        for op in ("SUM", "AVG", "PRODUCT", "MIN", "MAX"):
            assert distributed.all_reduce(x, op=getattr(distributed.ReduceOp, op)) is None
        distributed.reduce(x, 0)
        distributed.broadcast(x, 0)
        assert distributed.all_reduce(x, async_op=True).wait()
        assert x.tolist() == [1.0, 2.0]


def check_gathered_tensors_are_copies(torch):
    with one_process(torch) as distributed:
        x, out = torch.tensor([1.0, 2.0]), torch.zeros(2)
        for gathers in (
            lambda: distributed.all_gather([out], x),
            lambda: distributed.gather(x, [out]),
            lambda: distributed.all_gather_single(out, x),
            lambda: distributed.scatter(out, [x]),
            lambda: distributed.reduce_scatter(out, [x]),
            lambda: distributed.reduce_scatter_single(out, x),
            lambda: distributed.all_to_all([out], [x]),
            lambda: distributed.all_to_all_single(out, x),
        ):
            out.zero_()
            gathers()
            assert out.tolist() == [1.0, 2.0]


def check_objects_are_exchanged(torch):
    with one_process(torch) as distributed:
        found = [None]
        distributed.all_gather_object(found, {"a": 1})
        assert found == [{"a": 1}]
        distributed.broadcast_object_list(found, src=0)
        distributed.scatter_object_list(found, ["b"])
        assert found == ["b"]


def check_wrong_exchanges_are_refused(torch):
    with one_process(torch) as distributed:
        x = torch.ones(2)
        for call, error, words in (
            (lambda: distributed.all_reduce([1]), TypeError, "Expected parameter `tensor`"),
            (lambda: distributed.broadcast(x, 1), RuntimeError, "invalid root rank: 1"),
            (lambda: distributed.all_gather(x, x), TypeError, "`tensor_list`"),
            (lambda: distributed.all_gather([x, x], x), RuntimeError, "expected length 1, got 2"),
            (lambda: distributed.all_gather([x[:1]], x), RuntimeError, "invalid tensor size"),
            (lambda: distributed.all_gather([x.long()], x), ValueError, "different dtypes"),
            (lambda: distributed.gather(x), ValueError, "must be specified on destination rank"),
            (lambda: distributed.scatter(x), ValueError, "must be specified on source rank"),
            (lambda: distributed.send(x, 0), ValueError, "Invalid destination rank"),
            (lambda: distributed.new_group([1]), ValueError, "Rank 1 is out of range"),
            (
                lambda: distributed.all_reduce(x, op=distributed.ReduceOp.BAND),
                RuntimeError,
                "with non-integral dtype",
            ),
        ):
            with pytest.raises(error, match=words):
                call()


def check_a_new_group_has_one_member(torch):
    with one_process(torch) as distributed:
        group = distributed.new_group([0])
        assert (distributed.get_rank(group), group.rank(), group.size()) == (0, 0, 1)
        assert distributed.get_process_group_ranks(group) == [0]
        assert distributed.get_global_rank(group, 0) == 0


def check_the_local_rank_comes_from_the_environment(torch):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LOCAL_RANK", raising=False)
        assert torch.distributed.get_node_local_rank(fallback_rank=3) == 3
        with pytest.raises(RuntimeError, match="LOCAL_RANK is not in the environment"):
            torch.distributed.get_node_local_rank()
        patch.setenv("LOCAL_RANK", "2")
        assert torch.distributed.get_node_local_rank() == 2


def check_distributed_data_parallel_is_the_module(torch):
    with one_process(torch):
        module = torch.nn.Linear(2, 1)
        model = torch.nn.parallel.DistributedDataParallel(module)
        assert model.module is module
        assert list(model.state_dict()) == ["module.weight", "module.bias"]
        with model.no_sync():
            model(torch.ones(3, 2)).sum().backward()
        assert module.weight.grad.tolist() == [[3.0, 3.0]]
        assert model.device_ids is None


def check_distributed_data_parallel_refuses_what_is_wrong(torch):
    parallel = torch.nn.parallel.DistributedDataParallel
    with pytest.raises(ValueError, match="Default process group has not been initialized"):
        parallel(torch.nn.Linear(2, 1))
    with one_process(torch):
        with pytest.raises(RuntimeError, match="any parameter that requires a gradient"):
            parallel(torch.nn.ReLU())
        with pytest.raises(ValueError, match=r"device_ids \[0\]"):
            parallel(torch.nn.Linear(2, 1), device_ids=[0])


def check_distributed_sampler_asks_the_group(torch):
    sampler = torch.utils.data.DistributedSampler
    with pytest.raises(ValueError, match="Default process group has not been initialized"):
        sampler(range(3))
    with one_process(torch):
        assert list(sampler(range(3), shuffle=False)) == [0, 1, 2]


def imported(torch, module):
    """A module that PyTorch does not import by itself, and whose import warns there."""
    with warnings.catch_warnings(action="ignore"):
        return importlib.import_module(f"{torch.__name__}.{module}")


def check_asynchronous_exchanges_give_work(torch):
    with one_process(torch) as distributed:
        x = torch.tensor([1.0, 2.0])
        works = [
            distributed.all_reduce(x, async_op=True),
            distributed.broadcast(x, 0, async_op=True),
            distributed.barrier(async_op=True),
            distributed.all_gather([torch.zeros(2)], x, async_op=True),
        ]
        for work in works:
            assert work.wait()
            assert work.is_completed()
            assert work.is_success()


def check_a_root_is_named_once(torch):
    with one_process(torch) as distributed:
        x = torch.ones(2)
        distributed.broadcast(x, group_src=0)
        distributed.reduce(x, group_dst=0)
        with pytest.raises(ValueError, match="Can't specify both group_rank and global_rank"):
            distributed.broadcast(x, 0, group_src=0)
        with pytest.raises(ValueError, match="Must specify global_rank or group_rank"):
            distributed.broadcast(x)


def check_groups_without_this_process_have_no_rank_here(torch):
    with one_process(torch) as distributed:
        outside = distributed.GroupMember.NON_GROUP_MEMBER
        assert (distributed.get_rank(outside), distributed.get_world_size(outside)) == (-1, -1)


def check_batches_of_sends_and_receives_are_checked(torch):
    with one_process(torch) as distributed:
        with pytest.raises(ValueError, match="Invalid ``op``"):
            distributed.P2POp(distributed.all_reduce, torch.ones(1), 0)
        with pytest.raises(ValueError, match="Invalid ``p2p_op_list``"):
            distributed.batch_isend_irecv([1])


def check_sizes_of_whole_and_parts_must_fit(torch):
    with one_process(torch) as distributed:
        x = torch.ones(4)
        with pytest.raises((ValueError, RuntimeError)):
            distributed.all_gather_single(torch.ones(3), x)
        with pytest.raises((ValueError, RuntimeError)):
            distributed.all_to_all_single(torch.ones(4), x, [3], [4])


def check_divided_states_of_one_process_are_whole(torch):
    with one_process(torch):
        optimizers = imported(torch, "distributed.optim")
        weights = [torch.nn.Parameter(torch.ones(3)) for _ in range(2)]
        zero = optimizers.ZeroRedundancyOptimizer(weights[:1], torch.optim.Adam, lr=0.1)
        plain = torch.optim.Adam(weights[1:], lr=0.1)
        for w, optimizer in zip(weights, (zero, plain), strict=True):
            for _ in range(3):
                w.grad = torch.tensor([1.0, -2.0, 0.5])
                optimizer.step()
        assert torch.equal(*weights)
        with pytest.raises(RuntimeError, match="has not been consolidated on this rank"):
            zero.state_dict()
        zero.consolidate_state_dict()
        state, expected = zero.state_dict(), plain.state_dict()
        assert torch.equal(state["state"][0]["exp_avg"], expected["state"][0]["exp_avg"])
        assert state["param_groups"][0]["lr"] == 0.1


def check_exchanges_pass_derivatives_on(torch):
    with one_process(torch) as distributed:
        group = distributed.group.WORLD
        functional = imported(torch, "distributed.nn.functional")
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        with warnings.catch_warnings(action="ignore"):  # PyTorch's are to be replaced one day
            functional.all_reduce(x * 2, group=group).sum().backward()
            (y,) = functional.all_gather(x, group=group)
        assert x.grad.tolist() == [2.0, 2.0]
        y.prod().backward()
        assert x.grad.tolist() == [4.0, 3.0]


def check_joined_inputs_of_one_process(torch):
    with one_process(torch):
        model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 1))
        with model.join():
            for _ in range(2):
                model(torch.ones(3, 2)).sum().backward()
        assert model.module.weight.grad.tolist() == [[6.0, 6.0]]
