"""What PyTorch's derivatives save: only a write to one of these makes a later `backward` refuse.

By the name of the derivative: a digit is an input, `r` the results, `x` each input where another
one needs a gradient, `R` the results where there are several inputs.
"""

SAVES: dict[str, str] = {
    **dict.fromkeys(("Mul", "Mm", "Bmm", "Dot", "Mv", "Cross", "Xlogy", "Atan2", "Hypot"), "x"),
    **dict.fromkeys(
        ("Exp", "Exp2", "Sqrt", "Rsqrt", "Tanh", "Sigmoid", "Reciprocal", "Relu", "Softmax",
         "LogSoftmax", "Tan", "Expm1", "Selu", "Threshold", "Logcumsumexp", "LinalgInvEx"),
        "r",
    ),
    **dict.fromkeys(
        ("Sin", "Cos", "Log", "Log2", "Log10", "Log1P", "Asin", "Acos", "Atan", "Sinh", "Cosh",
         "Asinh", "Acosh", "Atanh", "Erf", "Erfc", "Erfinv", "Abs", "Gelu", "Silu", "Mish",
         "Softplus", "LeakyRelu", "Elu", "Hardtanh", "Hardswish", "Hardsigmoid", "LogSigmoid",
         "Clamp", "Lgamma", "Digamma", "Polygamma", "Std", "Var", "Prod", "Cumprod", "Sinc",
         "ClampMin", "ClampMax", "Sgn"),
        "0",
    ),
    **dict.fromkeys(("Max", "Min", "Amax", "Amin"), "0r"),
    "Div": "1x",
    "Pow": "01R",
    "Addmm": "12",
    "Addbmm": "12",
    "Baddbmm": "12",
    "Addmv": "12",
    "Addcmul": "12",
    "Addcdiv": "12",
    "Lerp": "012",
    "Maximum": "01",
    "Minimum": "01",
    "Fmax": "01",
    "Fmin": "01",
    "Where": "",
    "Convolution": "01",
    "Linear": "01",
    "NativeLayerNorm": "0",
    "NativeBatchNorm": "0",
    "LogSumExp": "0r",
    "Norm": "0r",
    "LinalgVectorNorm": "0r",
    "Cdist": "01",
    "Embedding": "",
    "Gather": "",
}  # fmt: skip
