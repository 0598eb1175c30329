"""Every layer over real tensors: printed form, initial weights from a seed, outputs, gradients."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from overtorch import package  # noqa: E402

nn = package("nn")


def x(*shape: int) -> Any:
    return torch.randn(*shape, dtype=torch.float64)


def whole(low: int, high: int, *shape: int) -> Any:
    return torch.randint(low, high, shape)


# (class, arguments, keywords, what makes the inputs)
CASES: list[tuple[str, tuple[Any, ...], dict[str, Any], Any]] = [
    ("Identity", (1, 2), {"a": 3}, lambda: (x(3),)),
    ("Linear", (3, 4), {}, lambda: (x(5, 3),)),
    ("Linear", (3, 4), {"bias": False}, lambda: (x(3),)),
    ("Bilinear", (3, 4, 5), {}, lambda: (x(2, 3), x(2, 4))),
    ("Bilinear", (3, 4, 5), {"bias": False}, lambda: (x(2, 3), x(2, 4))),
    ("Threshold", (0.1, 20), {}, lambda: (x(5, 3),)),
    ("ReLU", (), {}, lambda: (x(5, 3),)),
    ("ReLU", (), {"inplace": True}, lambda: (x(5, 3) * 1,)),
    ("RReLU", (), {}, lambda: (x(5, 3),)),
    ("RReLU", (0.1, 0.2), {"inplace": True}, lambda: (x(5, 3) * 1,)),
    ("Hardtanh", (), {}, lambda: (x(5, 3),)),
    ("Hardtanh", (-2, 0.5), {"inplace": True}, lambda: (x(5, 3) * 1,)),
    ("ReLU6", (), {}, lambda: (x(5, 3) * 5,)),
    ("ReLU6", (True,), {}, lambda: (x(5, 3) * 5,)),
    ("Sigmoid", (), {}, lambda: (x(5, 3),)),
    ("Hardsigmoid", (True,), {}, lambda: (x(5, 3) * 3,)),
    ("Tanh", (), {}, lambda: (x(5, 3),)),
    ("SiLU", (), {}, lambda: (x(5, 3),)),
    ("SiLU", (True,), {}, lambda: (x(5, 3) * 1,)),
    ("Mish", (), {}, lambda: (x(5, 3),)),
    ("Hardswish", (), {}, lambda: (x(5, 3) * 3,)),
    ("ELU", (0.5,), {}, lambda: (x(5, 3),)),
    ("CELU", (0.5, True), {}, lambda: (x(5, 3) * 1,)),
    ("SELU", (), {}, lambda: (x(5, 3),)),
    ("GLU", (), {}, lambda: (x(5, 4),)),
    ("GELU", (), {}, lambda: (x(5, 4),)),
    ("GELU", ("tanh",), {}, lambda: (x(5, 4),)),
    ("Hardshrink", (), {}, lambda: (x(5, 4),)),
    ("LeakyReLU", (0.2, True), {}, lambda: (x(5, 4) * 1,)),
    ("LogSigmoid", (), {}, lambda: (x(5, 4),)),
    ("Softplus", (2, 5), {}, lambda: (x(5, 4) * 4,)),
    ("Softshrink", (0.2,), {}, lambda: (x(5, 4),)),
    ("PReLU", (), {}, lambda: (x(5, 4),)),
    ("PReLU", (4, 0.1), {}, lambda: (x(5, 4),)),
    ("Softsign", (), {}, lambda: (x(5, 4),)),
    ("Tanhshrink", (), {}, lambda: (x(5, 4),)),
    ("Softmin", (1,), {}, lambda: (x(5, 4),)),
    ("Softmax", (), {}, lambda: (x(5, 4),)),
    ("Softmax", (), {"dim": -1}, lambda: (x(5, 4),)),
    ("Softmax2d", (), {}, lambda: (x(2, 5, 4, 3),)),
    ("LogSoftmax", (0,), {}, lambda: (x(5, 4),)),
    ("Conv1d", (2, 4, 3), {}, lambda: (x(2, 2, 9),)),
    ("Conv1d", (2, 4, 3), {"padding": "same"}, lambda: (x(2, 9),)),
    ("Conv1d", (2, 4, 4), {"padding": "same", "padding_mode": "circular"}, lambda: (x(1, 2, 9),)),
    ("Conv2d", (2, 4, 3), {}, lambda: (x(2, 2, 9, 8),)),
    ("Conv2d", (2, 4, (3, 2), 2, 1, 2, 2, False), {}, lambda: (x(2, 2, 9, 8),)),
    ("Conv2d", (2, 4, 3), {"padding": 1, "padding_mode": "reflect"}, lambda: (x(2, 2, 9, 8),)),
    ("Conv2d", (2, 4, 3), {"padding": "valid"}, lambda: (x(2, 2, 9, 8),)),
    ("Conv3d", (2, 4, 3), {"padding": (1, 0, 2)}, lambda: (x(2, 2, 5, 6, 4),)),
    ("ConvTranspose1d", (2, 4, 3), {"stride": 2}, lambda: (x(2, 2, 9), [20])),
    ("ConvTranspose2d", (2, 4, 3), {"stride": 2, "output_padding": 1}, lambda: (x(2, 2, 5, 4),)),
    ("ConvTranspose2d", (2, 4, 3, 2, 1, 1, 2, False, 2), {}, lambda: (x(2, 2, 5, 4),)),
    ("ConvTranspose3d", (2, 4, 3), {}, lambda: (x(2, 2, 3, 4, 5),)),
    ("LazyConv2d", (4, 3), {}, lambda: (x(2, 2, 9, 8).float(),)),
    ("LazyConv1d", (4, 3, 1, 0, 1, 1, False), {}, lambda: (x(2, 2, 9).float(),)),
    ("LazyConvTranspose2d", (4, 3), {"stride": 2}, lambda: (x(2, 2, 9, 8).float(),)),
    ("LazyLinear", (4,), {}, lambda: (x(2, 3).float(),)),
    ("LazyBatchNorm2d", (), {}, lambda: (x(2, 3, 4, 4).float(),)),
    ("LazyInstanceNorm1d", (), {"affine": True}, lambda: (x(2, 3, 4).float(),)),
    ("MaxPool1d", (2,), {}, lambda: (x(2, 2, 9),)),
    ("MaxPool2d", (3, 2, 1), {"ceil_mode": True}, lambda: (x(2, 2, 9, 8),)),
    ("MaxPool2d", (3,), {"return_indices": True}, lambda: (x(2, 2, 9, 8),)),
    ("MaxPool3d", ((2, 1, 2),), {}, lambda: (x(2, 2, 4, 5, 6),)),
    ("AvgPool1d", (2,), {}, lambda: (x(2, 2, 9),)),
    ("AvgPool2d", (3, 2, 1, True, False), {}, lambda: (x(2, 2, 9, 8),)),
    ("AvgPool2d", (3,), {"divisor_override": 2}, lambda: (x(2, 2, 9, 8),)),
    ("AvgPool3d", (2,), {}, lambda: (x(2, 2, 4, 4, 4),)),
    ("FractionalMaxPool2d", (2, (3, 4)), {}, lambda: (x(2, 2, 9, 8),)),
    ("FractionalMaxPool2d", (2,), {"output_ratio": (0.5, 0.6)}, lambda: (x(2, 2, 9, 8),)),
    ("FractionalMaxPool3d", (2, 2), {"return_indices": True}, lambda: (x(2, 2, 5, 5, 5),)),
    ("LPPool1d", (2, 3), {}, lambda: (x(2, 2, 9).abs(),)),
    ("LPPool2d", (2, (3, 2), 2), {"ceil_mode": True}, lambda: (x(2, 2, 9, 8),)),
    ("LPPool3d", (float("inf"), 2), {}, lambda: (x(2, 2, 4, 4, 4),)),
    ("AdaptiveMaxPool1d", (3,), {}, lambda: (x(2, 2, 9),)),
    ("AdaptiveMaxPool2d", ((3, None), True), {}, lambda: (x(2, 2, 9, 8),)),
    ("AdaptiveMaxPool3d", (2,), {}, lambda: (x(2, 2, 4, 5, 6),)),
    ("AdaptiveAvgPool1d", (3,), {}, lambda: (x(2, 2, 9),)),
    ("AdaptiveAvgPool2d", ((3, None),), {}, lambda: (x(2, 2, 9, 8),)),
    ("AdaptiveAvgPool3d", (1,), {}, lambda: (x(2, 2, 4, 5, 6),)),
    ("CircularPad2d", (1,), {}, lambda: (x(2, 2, 4, 5),)),
    ("ConstantPad1d", ((1, 2), 3.5), {}, lambda: (x(2, 2, 4),)),
    ("ReflectionPad2d", (1,), {}, lambda: (x(2, 2, 4, 5),)),
    ("ReplicationPad3d", (1,), {}, lambda: (x(2, 2, 4, 5, 3),)),
    ("ZeroPad2d", ((1, 0, 2, 1),), {}, lambda: (x(2, 2, 4, 5),)),
    ("BatchNorm1d", (3,), {}, lambda: (x(5, 3),)),
    ("BatchNorm1d", (3,), {"affine": False}, lambda: (x(5, 3, 2),)),
    ("BatchNorm2d", (3, 0.1, None), {}, lambda: (x(5, 3, 2, 2),)),
    ("BatchNorm3d", (3,), {"track_running_stats": False}, lambda: (x(5, 3, 2, 2, 2),)),
    ("BatchNorm2d", (3,), {"bias": False}, lambda: (x(5, 3, 2, 2),)),
    ("SyncBatchNorm", (3,), {}, lambda: (x(5, 3, 2),)),
    ("InstanceNorm1d", (3,), {}, lambda: (x(5, 3, 4),)),
    ("InstanceNorm2d", (3,), {"affine": True}, lambda: (x(3, 4, 4),)),
    ("InstanceNorm3d", (3,), {"track_running_stats": True}, lambda: (x(2, 3, 4, 4, 2),)),
    ("LayerNorm", (4,), {}, lambda: (x(5, 4),)),
    ("LayerNorm", ((3, 4), 0.1), {"bias": False}, lambda: (x(5, 3, 4),)),
    ("LayerNorm", (4,), {"elementwise_affine": False}, lambda: (x(5, 4),)),
    ("GroupNorm", (2, 4), {}, lambda: (x(5, 4, 3),)),
    ("RMSNorm", (4,), {}, lambda: (x(5, 4),)),
    ("LocalResponseNorm", (2,), {}, lambda: (x(2, 5, 4),)),
    ("LocalResponseNorm", (3, 0.1), {}, lambda: (x(2, 5, 4, 3),)),
    ("Dropout", (), {}, lambda: (x(5, 4),)),
    ("Dropout", (0.2, True), {}, lambda: (x(5, 4) * 1,)),
    ("Dropout1d", (), {}, lambda: (x(5, 4),)),
    ("Dropout2d", (), {}, lambda: (x(5, 4, 3, 2),)),
    ("Dropout3d", (), {}, lambda: (x(5, 4, 3, 2),)),
    ("AlphaDropout", (0.3,), {}, lambda: (x(5, 4),)),
    ("FeatureAlphaDropout", (), {}, lambda: (x(5, 4, 2),)),
    ("Flatten", (), {}, lambda: (x(5, 4, 2),)),
    ("Unflatten", (1, (2, 2)), {}, lambda: (x(5, 4, 2),)),
    ("PairwiseDistance", (), {}, lambda: (x(5, 4), x(5, 4))),
    ("CosineSimilarity", (), {}, lambda: (x(5, 4), x(5, 4))),
    ("PixelShuffle", (2,), {}, lambda: (x(2, 8, 3, 2),)),
    ("PixelUnshuffle", (2,), {}, lambda: (x(2, 2, 4, 2),)),
    ("ChannelShuffle", (2,), {}, lambda: (x(2, 4, 4, 2),)),
    ("Upsample", (), {"scale_factor": 2}, lambda: (x(2, 4, 4, 2),)),
    ("Upsample", ((5, 6), None, "bicubic", True), {}, lambda: (x(2, 4, 4, 2),)),
    ("Upsample", (), {"scale_factor": (1.5,), "mode": "linear"}, lambda: (x(2, 4, 4),)),
    ("UpsamplingNearest2d", (), {"size": 7}, lambda: (x(2, 4, 4, 2),)),
    ("UpsamplingBilinear2d", (), {"scale_factor": 2}, lambda: (x(2, 4, 4, 2),)),
    ("Fold", ((4, 5), (2, 2)), {}, lambda: (x(2, 12, 12),)),
    ("Unfold", ((2, 3), 1, 1), {}, lambda: (x(2, 2, 5, 5),)),
    ("Embedding", (10, 3), {}, lambda: (whole(0, 10, 4, 2),)),
    ("Embedding", (10, 3, -1, 0.5), {}, lambda: (whole(0, 10, 4, 2),)),
    (
        "Embedding",
        (10, 3),
        {"norm_type": 1.0, "scale_grad_by_freq": True},
        lambda: (whole(0, 10, 4),),
    ),
    ("EmbeddingBag", (10, 3), {}, lambda: (whole(0, 10, 4, 2),)),
    (
        "EmbeddingBag",
        (10, 3),
        {"mode": "sum", "padding_idx": 1},
        lambda: (whole(0, 10, 6), torch.tensor([0, 2])),
    ),
    ("EmbeddingBag", (10, 3), {"mode": "max"}, lambda: (whole(0, 10, 4, 2),)),
    (
        "AdaptiveLogSoftmaxWithLoss",
        (8, 12, [3, 7]),
        {"div_value": 2.0},
        lambda: (x(6, 8), whole(0, 12, 6)),
    ),
    ("RNN", (3, 4), {}, lambda: (x(5, 2, 3),)),
    ("RNN", (3, 4, 2, "relu"), {"bidirectional": True}, lambda: (x(5, 3), x(4, 4))),
    ("LSTM", (3, 4, 2), {"dropout": 0.5, "batch_first": True}, lambda: (x(2, 5, 3),)),
    ("LSTM", (3, 4), {"proj_size": 2, "bias": False}, lambda: (x(5, 3),)),
    ("LSTM", (3, 4), {}, lambda: (x(5, 2, 3), (x(1, 2, 4), x(1, 2, 4)))),
    ("GRU", (3, 4, 2), {"bidirectional": True}, lambda: (x(5, 2, 3), x(4, 2, 4))),
    ("RNNCell", (3, 4), {"nonlinearity": "relu"}, lambda: (x(2, 3),)),
    ("LSTMCell", (3, 4), {}, lambda: (x(2, 3), (x(2, 4), x(2, 4)))),
    ("LSTMCell", (3, 4), {"bias": False}, lambda: (x(3),)),
    ("GRUCell", (3, 4), {}, lambda: (x(3), x(4))),
    ("MultiheadAttention", (8, 2), {}, lambda: (x(5, 2, 8),) * 3),
    (
        "MultiheadAttention",
        (8, 2, 0.1),
        {"batch_first": True},
        lambda: (x(2, 5, 8), x(2, 4, 8), x(2, 4, 8)),
    ),
    (
        "MultiheadAttention",
        (8, 2, 0.0, True, True, True, 3, 6),
        {},
        lambda: (x(5, 8), x(4, 3), x(4, 6)),
    ),
    ("MultiheadAttention", (8, 2), {"bias": False}, lambda: (x(5, 2, 8), *(x(4, 2, 8),) * 2)),
    ("TransformerEncoderLayer", (8, 2, 16), {"batch_first": True}, lambda: (x(2, 5, 8),)),
    (
        "TransformerEncoderLayer",
        (8, 2, 16),
        {"norm_first": True, "activation": "gelu"},
        lambda: (x(5, 2, 8),),
    ),
    ("TransformerDecoderLayer", (8, 2, 16), {"bias": False}, lambda: (x(5, 2, 8), x(4, 2, 8))),
    ("TransformerDecoderLayer", (8, 2, 16), {"norm_first": True}, lambda: (x(5, 8), x(4, 8))),
    ("Transformer", (8, 2, 2, 2, 16), {}, lambda: (x(5, 2, 8), x(4, 2, 8))),
    ("L1Loss", (), {}, lambda: (x(5), x(5))),
    (
        "NLLLoss",
        (torch.rand(4, dtype=torch.float64),),
        {"ignore_index": 1},
        lambda: (x(5, 4), whole(0, 4, 5)),
    ),
    ("PoissonNLLLoss", (), {"full": True}, lambda: (x(5), whole(0, 4, 5).double())),
    ("GaussianNLLLoss", (), {"full": True}, lambda: (x(5), x(5), x(5).abs())),
    ("KLDivLoss", (), {"reduction": "batchmean", "log_target": True}, lambda: (x(5, 2), x(5, 2))),
    ("MSELoss", (), {"reduction": "sum"}, lambda: (x(5), x(5))),
    ("BCELoss", (), {}, lambda: (x(5).sigmoid(), x(5).sigmoid())),
    (
        "BCEWithLogitsLoss",
        (),
        {"pos_weight": torch.rand(4, dtype=torch.float64)},
        lambda: (x(5, 4), x(5, 4).sigmoid()),
    ),
    ("HingeEmbeddingLoss", (), {}, lambda: (x(5), x(5).sign())),
    (
        "MultiLabelMarginLoss",
        (),
        {},
        lambda: (x(2, 4), torch.tensor([[1, -1, 0, 0], [2, 3, -1, 1]])),
    ),
    ("SmoothL1Loss", (), {"beta": 0.3}, lambda: (x(5), x(5))),
    ("SmoothL1Loss", (), {"beta": 0.0}, lambda: (x(5), x(5))),
    ("HuberLoss", (), {"delta": 0.3}, lambda: (x(5), x(5))),
    ("SoftMarginLoss", (), {}, lambda: (x(5), whole(0, 2, 5) * 2 - 1)),
    ("CrossEntropyLoss", (), {"label_smoothing": 0.1}, lambda: (x(5, 4), whole(0, 4, 5))),
    ("CrossEntropyLoss", (), {"reduction": "none"}, lambda: (x(5, 4), x(5, 4).softmax(1))),
    ("MultiLabelSoftMarginLoss", (), {}, lambda: (x(5, 4), whole(0, 2, 5, 4).double())),
    ("CosineEmbeddingLoss", (0.1,), {}, lambda: (x(5, 4), x(5, 4), x(5).sign())),
    ("MarginRankingLoss", (0.1,), {}, lambda: (x(5), x(5), x(5).sign())),
    ("MultiMarginLoss", (2, 0.5), {}, lambda: (x(5, 4), whole(0, 4, 5))),
    ("TripletMarginLoss", (), {"swap": True}, lambda: (x(5, 4), x(5, 4), x(5, 4))),
    ("TripletMarginWithDistanceLoss", (), {"swap": True}, lambda: (x(5, 4), x(5, 4), x(5, 4))),
    ("CTCLoss", (), {}, lambda: (x(10, 2, 4).log_softmax(2), whole(1, 4, 2, 3), (10, 10), (3, 2))),
]


def made(module: Any, name: str, args: Any, kwargs: Any) -> Any:
    """A layer made after a fixed seed, its floating-point weights then in double precision."""
    torch.manual_seed(7)
    layer = getattr(module, name)(*copy.deepcopy(args), **copy.deepcopy(kwargs))
    return layer if name.startswith("Lazy") else layer.double()


def leaves(value: Any) -> list[Any]:
    """The tensors in an output."""
    if isinstance(value, torch.Tensor):
        return [value]
    return [t for v in value for t in leaves(v)] if isinstance(value, tuple) else []


def outcome(layer: Any, inputs: Any) -> list[Any]:
    """Outputs and gradients of a call after a fixed seed, and what the layer keeps."""
    inputs = [copy.deepcopy(i) for i in inputs]
    if len({id(i) for i in inputs}) < len(inputs):
        inputs = [inputs[0]] * len(inputs)
    given = [i for i in inputs if isinstance(i, torch.Tensor) and i.is_floating_point()]
    given = [i.requires_grad_() for i in dict.fromkeys(given)]
    inputs = [i * 1 if any(i is g for g in given) else i for i in inputs]
    torch.manual_seed(11)
    out = [t for t in leaves(layer(*inputs)) if t is not None]
    total = sum(t.double().sin().sum() for t in out if t.is_floating_point())
    wanted = given + [p for p in layer.parameters() if p.requires_grad]
    grads = torch.autograd.grad(total, wanted, allow_unused=True) if wanted else ()
    return out + [g for g in grads if g is not None] + list(layer.state_dict().values())


IDS = [f"{i}-{name}" for i, (name, *_) in enumerate(CASES)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CASES, ids=IDS)
@pytest.mark.parametrize("training", [True, False])
def test_layer_is_as_in_torch(case: Any, training: bool) -> None:
    name, args, kwargs, make = case
    ours, theirs = (made(m, name, args, kwargs).train(training) for m in (nn, torch.nn))
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for (key, a), (_, b) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        if not name.startswith("Lazy"):
            torch.testing.assert_close(a.data, b.data, rtol=0, atol=0, msg=key)
    torch.manual_seed(3)
    inputs = make()
    ours_out, theirs_out = outcome(ours, inputs), outcome(theirs, inputs)
    assert len(ours_out) == len(theirs_out)
    for a, b in zip(ours_out, theirs_out, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12, equal_nan=True)


def complaint(call: Any) -> tuple[type, str]:
    """The class and the text of what a call raises."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call()
    except Exception as error:
        return type(error), str(error)
    raise AssertionError("nothing was refused")


REFUSED: dict[str, Any] = {
    "groups": lambda m: m.Conv2d(3, 4, 3, groups=2),
    "groups0": lambda m: m.Conv2d(3, 4, 3, groups=0),
    "same strided": lambda m: m.Conv1d(1, 1, 3, stride=2, padding="same"),
    "transposed padding": lambda m: m.ConvTranspose1d(1, 1, 3, padding_mode="reflect"),
    "output size": lambda m: m.ConvTranspose1d(1, 1, 3, stride=2)(torch.ones(1, 1, 4), [30]),
    "output rank": lambda m: m.ConvTranspose1d(1, 1, 3)(torch.ones(1, 1, 4), [1, 2, 3, 4]),
    "dropout": lambda m: m.Dropout(1.5),
    "dropout1d": lambda m: m.Dropout1d()(torch.ones(2)),
    "batch norm rank": lambda m: m.BatchNorm2d(3)(torch.ones(2, 3)),
    "batch norm rank 1": lambda m: m.BatchNorm1d(3)(torch.ones(2)),
    "batch norm one": lambda m: m.BatchNorm1d(3)(torch.ones(1, 3)),
    "instance norm rank": lambda m: m.InstanceNorm1d(3)(torch.ones(1)),
    "instance norm features": lambda m: m.InstanceNorm1d(3, affine=True)(torch.ones(1, 2, 4)),
    "instance norm one": lambda m: m.InstanceNorm1d(3)(torch.ones(1, 3, 1)),
    "group norm": lambda m: m.GroupNorm(2, 3),
    "group norm rank": lambda m: m.functional.group_norm(torch.ones(2), 1),
    "unflatten": lambda m: m.Unflatten(1, (2, 2.0)),
    "unflatten type": lambda m: m.Unflatten(1, 3),
    "embedding": lambda m: m.Embedding(3, 2, padding_idx=3),
    "embedding weight": lambda m: m.Embedding(3, 2, _weight=torch.ones(2, 2)),
    "bag": lambda m: m.EmbeddingBag(3, 2)(torch.tensor([1])),
    "bag mode": lambda m: m.EmbeddingBag(3, 2, mode="x")(torch.tensor([[1]])),
    "bag offsets": lambda m: m.EmbeddingBag(3, 2)(torch.tensor([[1]]), torch.tensor([0])),
    "circular": lambda m: m.CircularPad2d(1)(torch.ones(2, 2)),
    "hardtanh": lambda m: m.Hardtanh(1, 0),
    "softmax2d": lambda m: m.Softmax2d()(torch.ones(2)),
    "heads": lambda m: m.MultiheadAttention(7, 2),
    "no heads": lambda m: m.MultiheadAttention(0, 2),
    "attention rank": lambda m: m.MultiheadAttention(4, 2)(*(torch.ones(4),) * 3),
    "attention size": lambda m: m.MultiheadAttention(4, 2)(*(torch.ones(2, 1, 6),) * 3),
    "attention causal": lambda m: m.MultiheadAttention(4, 2)(
        *(torch.ones(2, 1, 4),) * 3, is_causal=True
    ),
    "attention mask": lambda m: m.MultiheadAttention(4, 2)(
        *(torch.ones(2, 1, 4),) * 3, attn_mask=torch.ones(3, 3)
    ),
    "attention mask type": lambda m: m.MultiheadAttention(4, 2)(
        *(torch.ones(2, 1, 4),) * 3, attn_mask=torch.ones(2, 2).int()
    ),
    "padding mask": lambda m: m.MultiheadAttention(4, 2)(
        *(torch.ones(2, 1, 4),) * 3, key_padding_mask=torch.ones(2, 2)
    ),
    "transformer": lambda m: m.Transformer(4, 2, 1, 1, 4)(torch.ones(2, 2, 4), torch.ones(2, 3, 4)),
    "activation": lambda m: m.TransformerEncoderLayer(4, 2, activation="tanh"),
    "rnn dropout": lambda m: m.RNN(2, 3, dropout=2),
    "rnn layers": lambda m: m.GRU(2, 3, num_layers=0),
    "rnn size": lambda m: m.GRU(2.0, 3),
    "rnn nonlinearity": lambda m: m.RNN(2, 3, nonlinearity="x"),
    "rnn proj": lambda m: m.RNN(2, 3, proj_size=1),
    "lstm proj": lambda m: m.LSTM(2, 3, proj_size=3),
    "rnn input": lambda m: m.RNN(2, 3)(torch.ones(4, 1, 5)),
    "rnn rank": lambda m: m.LSTM(2, 3)(torch.ones(2)),
    "rnn rank2": lambda m: m.RNN(2, 3)(torch.ones(2)),
    "rnn dtype": lambda m: m.LSTM(2, 3)(torch.ones(2, 1, 2).double()),
    "rnn state": lambda m: m.GRU(2, 3)(torch.ones(4, 1, 2), torch.ones(1, 2, 3)),
    "rnn state rank": lambda m: m.GRU(2, 3)(torch.ones(4, 1, 2), torch.ones(1, 3)),
    "lstm state": lambda m: m.LSTM(2, 3)(
        torch.ones(4, 1, 2), (torch.ones(1, 1, 3), torch.ones(1, 2, 3))
    ),
    "lstm state rank": lambda m: m.LSTM(2, 3)(torch.ones(4, 2), (torch.ones(1, 1, 3),) * 2),
    "cell": lambda m: m.LSTMCell(2, 3)(torch.ones(1, 1, 2)),
    "cell state": lambda m: m.LSTMCell(2, 3)(torch.ones(2), (torch.ones(1, 1, 3), torch.ones(3))),
    "gru cell state": lambda m: m.GRUCell(2, 3)(torch.ones(2), torch.ones(1, 1, 3)),
    "bce": lambda m: m.BCELoss()(torch.ones(2), torch.ones(3)),
    "bce logits": lambda m: m.BCEWithLogitsLoss()(torch.ones(2), torch.ones(3)),
    "reduction": lambda m: m.MSELoss(reduction="x")(torch.ones(2), torch.ones(2)),
    "poisson": lambda m: m.PoissonNLLLoss(reduction="x")(torch.ones(2), torch.ones(2)),
    "gaussian": lambda m: m.GaussianNLLLoss()(torch.ones(2), torch.ones(2), -torch.ones(2)),
    "gaussian size": lambda m: m.GaussianNLLLoss()(torch.ones(2), torch.ones(2), torch.ones(3)),
    "huber": lambda m: m.HuberLoss(delta="a"),
    "triplet": lambda m: m.TripletMarginLoss(margin=0),
    "triplet distance": lambda m: m.TripletMarginWithDistanceLoss(margin=-1),
    "multi margin": lambda m: m.MultiMarginLoss(p=3),
    "multi margin weight": lambda m: m.MultiMarginLoss(weight=torch.ones(2, 2)),
    "ranking": lambda m: m.MarginRankingLoss()(torch.ones(2), torch.ones(2, 2), torch.ones(2)),
    "cutoffs": lambda m: m.AdaptiveLogSoftmaxWithLoss(4, 5, [3, 2]),
    "no cutoffs": lambda m: m.AdaptiveLogSoftmaxWithLoss(4, 5, []),
    "adaptive": lambda m: m.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(
        torch.ones(2, 4), torch.tensor([1, 7])
    ),
    "fractional": lambda m: m.FractionalMaxPool2d(2),
    "fractional both": lambda m: m.FractionalMaxPool2d(2, 3, 0.5),
    "fractional ratio": lambda m: m.FractionalMaxPool3d(2, output_ratio=1.5),
    "unpool": lambda m: m.MaxUnpool1d(2)(torch.ones(1, 1, 2), torch.ones(1, 1, 2).long(), [9]),
    "adaptive pool": lambda m: m.AdaptiveAvgPool2d((1, 2))(torch.ones(2, 2)),
    "interpolate": lambda m: m.functional.interpolate(torch.ones(1, 1, 2)),
    "interpolate both": lambda m: m.functional.interpolate(torch.ones(1, 1, 2), 2, 2),
    "interpolate mode": lambda m: m.functional.interpolate(torch.ones(1, 1, 2), 2, mode="bilinear"),
    "interpolate rank": lambda m: m.functional.interpolate(torch.ones(1, 1), 2),
    "interpolate size": lambda m: m.functional.interpolate(torch.ones(1, 1, 2), (2, 3)),
    "interpolate align": lambda m: m.functional.interpolate(
        torch.ones(1, 1, 2), 2, align_corners=True
    ),
    "interpolate alias": lambda m: m.functional.interpolate(torch.ones(1, 1, 2), 2, antialias=True),
    "grid": lambda m: m.functional.grid_sample(
        torch.ones(1, 1, 2, 2), torch.ones(1, 1, 1, 2), mode="x"
    ),
    "affine": lambda m: m.functional.affine_grid(torch.ones(1, 2, 2), (1, 1, 2, 2)),
    "glu": lambda m: m.GLU()(torch.tensor(1.0)),
    "lrn": lambda m: m.LocalResponseNorm(2)(torch.ones(2)),
    "lazy": lambda m: m.LazyConv2d(2, 3)(torch.ones(2)),
    "bilinear": lambda m: m.Bilinear(0, 1, 1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_are_those_of_torch(name: str) -> None:
    ours, theirs = (complaint(lambda m=m: REFUSED[name](m)) for m in (nn, torch.nn))
    assert ours == theirs


def test_unknown_padding_names_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"Invalid padding string 'x', should be one of \{"):
        nn.Conv1d(1, 1, 1, padding="x")
    with pytest.raises(ValueError, match=r"padding_mode must be one of \{.*padding_mode='x'"):
        nn.Conv1d(1, 1, 1, padding_mode="x")
