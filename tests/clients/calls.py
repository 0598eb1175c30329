"""500 different calls of SciPy's functions on small arrays, as text that reads as Python.

Enters: a namespace (`operands(xp)` makes the arrays the texts name). Leaves: `CALLS`, and `bind`,
which turns them into functions without arguments. SciPy must have been imported with
`SCIPY_ARRAY_API=1`, else it turns every array into NumPy's.

A family is a template and the words that fill it; each filled text is one call.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

import numpy as np

SUBPACKAGES = (
    "special", "stats", "signal", "ndimage", "cluster", "fft", "integrate", "linalg",
    "optimize", "interpolate", "differentiate", "constants", "spatial",
)  # fmt: skip


def operands(xp: Any, scale: int = 1) -> dict[str, Any]:
    """The arrays that the texts name, made by `xp`, and `xp` itself.

    A vector has 12 elements times `scale`, a signal 64, an image 9 * 10, each times `scale`.
    """
    values = _vectors(scale) | _signals(scale) | _images(scale) | _few()
    made = {"xp": xp, "normal": lambda size: xp.asarray(values["x"] + np.zeros(size))}
    return made | {name: xp.asarray(value) for name, value in values.items()}


def _vectors(scale: int) -> dict[str, np.ndarray]:
    rng, n = np.random.default_rng(20251201), 12 * scale
    return {
        "u": rng.uniform(0.1, 0.9, n),  # in (0, 1)
        "v": rng.uniform(1.0, 5.0, n),  # positive
        "w": rng.uniform(6.0, 9.0, n),  # larger than v
        "x": rng.standard_normal(n),
        "y": rng.standard_normal(n),
        "z": rng.standard_normal(n) + 0.3,
        "n": rng.integers(1, 9, n),
        "g": rng.standard_normal((6, 8 * _power_of_two(scale) + 1)),
        "h": rng.uniform(0.5, 4.0, (6, 9 * scale)),
        "points": rng.standard_normal((20 * min(scale, 10), 3)),
        "times": np.sort(rng.uniform(0.0, 9.0, 15 * scale)),
        "quaternion": rng.standard_normal((4 * scale, 4)),
        "angles": rng.uniform(-1.0, 1.0, (4 * scale, 3)),
        "vectors": rng.standard_normal((4 * scale, 3)),
    }


def _power_of_two(at_most: int) -> int:
    return 1 << (at_most.bit_length() - 1)


def _signals(scale: int) -> dict[str, np.ndarray]:
    rng, grid = np.random.default_rng(1), np.linspace(0.0, 1.0, 64 * scale)
    return {
        "t": grid,
        "s": np.sin(12.0 * grid) + 0.1 * rng.standard_normal(grid.size),
        "q": np.cos(7.0 * grid) + 0.05 * rng.standard_normal(grid.size),
        "s32": np.sin(9.0 * grid).astype(np.float32),
        "c": np.exp(2j * np.pi * grid[: 16 * scale]),
    }


def _images(scale: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2)
    side = max(1, round(scale**0.5))
    image = rng.random((9 * side, 10 * side))
    return {
        "image": image,
        "image32": image.astype(np.float32),
        "levels": (image * 5).astype(np.int64),
        "blobs": image > 0.45,
        "kernel": rng.random((3, 3)),
    }


def _few() -> dict[str, np.ndarray]:
    """What a larger problem leaves as it is: filters, matrices, poles."""
    rng = np.random.default_rng(3)
    return {
        "taps": np.asarray([0.1, 0.2, 0.4, 0.2, 0.1]),
        "b": np.asarray([0.2, 0.4, 0.2]),
        "a": np.asarray([1.0, -0.3, 0.1]),
        "sos": np.asarray([[0.2, 0.4, 0.2, 1.0, -0.3, 0.1], [0.5, 0.1, 0.2, 1.0, 0.2, 0.3]]),
        "square": rng.standard_normal((5, 5)) + 5 * np.eye(5),
        "distances": np.abs(rng.standard_normal(45)) + 0.1,
        "poles": np.asarray([-0.5 + 0.4j, -0.5 - 0.4j]),
        "zeros": np.asarray([0.3, -0.2]),
    }


def _filled(template: str, words: str) -> list[str]:
    return [template.replace("{}", word) for word in words.split()]


UNARY_POSITIVE = """cbrt ellipk erfcx exp1 expi gamma gammasgn j0 j1 k0 k0e k1 k1e loggamma rgamma
spence y0 y1 zetac gammaln i0 i0e i1 i1e psi entr erf erfc log_ndtr ndtr sinc"""
UNARY_ANY = """cosm1 exp10 exp2 exprel sindg tandg cosdg cotdg expit"""
NAN_REDUCTIONS = "hmean gmean gstd"
REDUCTIONS = """kurtosis skew sem tmean tvar tstd tsem tmin tmax iqr variation median_abs_deviation
circmean circvar circstd differential_entropy"""
RANKS_OF_TWO = "ttest_rel wilcoxon pearsonr spearmanrho chatterjeexi"
SAMPLES_OF_TWO = """ttest_ind mannwhitneyu brunnermunzel ansari mood kruskal bartlett levene fligner
f_oneway alexandergovern cramervonmises_2samp epps_singleton_2samp"""
WINDOWS = """barthann bartlett blackman blackmanharris bohman boxcar cosine exponential flattop
hamming hann lanczos nuttall parzen taylor triang tukey"""
MORPHOLOGY = """grey_closing grey_dilation grey_erosion grey_opening black_tophat white_tophat
morphological_gradient morphological_laplace"""
BINARY = """binary_closing binary_dilation binary_erosion binary_opening binary_fill_holes
binary_hit_or_miss binary_propagation distance_transform_edt distance_transform_cdt
distance_transform_bf"""
MEASURED = "sum mean variance standard_deviation minimum maximum median sum_labels"
LINKAGES = "single complete average weighted centroid median ward"

FAMILIES: list[tuple[str, str]] = [
    # special: one argument, then two, three and four
    ("special.{}(u)", UNARY_POSITIVE),
    ("special.{}(x)", UNARY_ANY),
    ("special.{}(u)", "erfinv cosm1 logit ndtri ellipkm1"),
    ("special.{}(v, u)", "betaln boxcox boxcox1p inv_boxcox inv_boxcox1p gammainc gammaincc"),
    (
        "special.{}(v, w)",
        "binom kl_div rel_entr xlogy xlog1py poch huber pseudo_huber chdtr chdtrc",
    ),
    ("special.{}(v, u)", "gammaincinv gammainccinv chdtri pdtrc pdtr stdtrit stdtr"),
    ("special.{}(v, w, u)", "betainc betaincc betaincinv fdtr fdtrc fdtri gdtr gdtrc hyp1f1"),
    ("special.{}(n, n + 5, u)", "bdtr bdtrc nbdtr nbdtrc"),
    ("special.{}(g)", "logsumexp softmax log_softmax"),
    ("special.{}(g, axis=1)", "softmax"),
    ("special.zeta({})", "v w,u"),
    ("special.polygamma({}, v)", "1"),
    ("special.multigammaln(w, {})", "2"),
    ("special.lpmv({}, u)", "1,2 0,3 2,5"),
    ("special.yn(2, {})", "v w"),
    ("special.logsumexp({}, axis=0, keepdims=True)", "g h c[:,None]"),
    # stats
    ("stats.{}(v)", NAN_REDUCTIONS),
    ("stats.{}(h, axis=1)", NAN_REDUCTIONS),
    ("stats.{}(x)", REDUCTIONS),
    ("stats.{}(h, axis=1)", REDUCTIONS),
    ("stats.{}(x, y)", RANKS_OF_TWO),
    ("stats.{}(x, z)", SAMPLES_OF_TWO),
    ("stats.ttest_ind(g, h, axis=1, {})", "equal_var=True equal_var=False alternative='less'"),
    ("stats.{}(s)", "normaltest skewtest kurtosistest jarque_bera describe zscore mode"),
    ("stats.{}(g, axis=1)", "describe zscore rankdata moment mode"),
    ("stats.ttest_1samp({}, 0.1)", "x g s"),
    ("stats.rankdata(n, method={})", "'average' 'min' 'ordinal'"),
    ("stats.quantile(x, 0.3, method={})", "'linear' 'inverted_cdf'"),
    ("stats.quantile(g, u[:4], axis=1, keepdims={})", "True"),
    ("stats.entropy({})", "u h v,w"),
    ("stats.moment(x, order={})", "3"),
    ("stats.kstat(x, {})", "2 4"),
    ("stats.kstatvar(x, {})", "1 2"),
    ("stats.pmean(v, {})", "1.5 -2.0"),
    ("stats.trim_mean(x, {})", "0.1 0.2"),
    ("stats.lmoment({})", "x s"),
    ("stats.power_divergence(n, lambda_={})", "'log-likelihood' 'neyman'"),
    ("stats.chisquare({})", "n h"),
    ("stats.combine_pvalues(u, method={})", "'fisher' 'stouffer'"),
    ("stats.false_discovery_control(u, method={})", "'bh' 'by'"),
    ("stats.boxcox_llf({}, v)", "0.5 1.5"),
    ("stats.yeojohnson_llf({}, x)", "0.5 1.5"),
    ("stats.friedmanchisquare({})", "x,y,z u,v,w"),
    ("stats.directional_stats({})", "vectors points"),
    ("stats.gzscore({})", "v h"),
    ("stats.zmap(x, {})", "y z"),
    ("stats.sigmaclip(s, {})", "2.0 3.0"),
    ("stats.cramervonmises(x, {})", "special.ndtr"),
    ("stats.ks_1samp(x, {})", "special.ndtr"),
    ("stats.bootstrap((x,), {}, n_resamples=99, rng=1)", "xp.mean stats.sem"),
    (
        "stats.permutation_test((x, y), lambda a, b, axis: {}, n_resamples=99, rng=1)",
        "xp.mean(a,axis=axis)-xp.mean(b,axis=axis)",
    ),
    ("stats.monte_carlo_test(x, normal, {}, n_resamples=99)", "xp.mean"),
    ("stats.ttest_ind_from_stats(v, u, 9, w, {}, 11)", "u u+1"),
    # signal: windows, filters, their design
    ("signal.windows.{}(16, xp=xp)", WINDOWS),
    (
        "signal.windows.{}, xp=xp)",
        "gaussian(16,2. kaiser(16,5. chebwin(16,90. kaiser_bessel_derived(16,3.",
    ),
    ("signal.get_window('{}', 16, xp=xp)", "hann"),
    ("signal.{}(s, q)", "convolve correlate fftconvolve oaconvolve"),
    ("signal.convolve(s, taps, mode={})", "'same' 'valid'"),
    ("signal.correlate(s32, taps, mode={})", "'same'"),
    ("signal.{}(image, kernel)", "convolve2d correlate2d"),
    ("signal.{}(image, kernel, mode='same')", "fftconvolve correlate"),
    ("signal.medfilt({}, 5)", "s s32"),
    ("signal.{}(image)", "medfilt2d wiener hilbert2 detrend"),
    ("signal.{}(s)", "hilbert detrend envelope"),
    ("signal.detrend(g, axis=1, type={})", "'linear' 'constant'"),
    ("signal.{}(b, a, s)", "lfilter filtfilt"),
    ("signal.lfilter(b, a, g, axis={})", "0"),
    ("signal.{}(sos, s)", "sosfilt sosfiltfilt"),
    ("signal.{}(sos)", "sosfilt_zi sos2tf sos2zpk freqz_sos"),
    ("signal.{}(b, a)", "lfilter_zi tf2zpk tf2sos freqz freqs normalize"),
    ("signal.resample(s, {})", "32 100"),
    ("signal.resample_poly(s, {})", "3,2"),
    ("signal.savgol_filter(s, 7, {})", "2 3"),
    ("signal.upfirdn(taps, s, {})", "1 2"),
    ("signal.deconvolve(s, {})", "b"),
    ("signal.order_filter(image, xp.ones((3, 3)), {})", "1 4"),
    ("signal.vectorstrength(times, {})", "2.0"),
    ("signal.bilinear(b, a, fs={})", "1.0 2.0"),
    ("signal.{}(b, a, 2.0)", "lp2lp lp2hp"),
    ("signal.{}(b, a, 2.0, 0.5)", "lp2bp lp2bs"),
    ("signal.{}(zeros, poles, 0.7)", "zpk2tf zpk2sos freqz_zpk"),
    ("signal.{}(s)", "cspline1d qspline1d"),
    ("signal.gauss_spline(x, {})", "2 3"),
    ("signal.{}(3, xp=xp)", "besselap buttap"),
    ("signal.{}, xp=xp)", "cheb1ap(3,1. cheb2ap(3,40. ellipap(3,1.,40."),
    (
        "signal.{}, fs=2.0, xp=xp)",
        "iirnotch(0.3,30. iirpeak(0.3,30. gammatone(0.2,'iir' iircomb(0.25,9.",
    ),
    ("signal.minimum_phase({})", "taps"),
    ("signal.abcd_normalize({})", "square,square[:,:1],square[:1,:],square[:1,:1]"),
    # ndimage
    ("ndimage.{}(image, size=3)", MORPHOLOGY),
    ("ndimage.{}(levels, size=3)", "grey_dilation grey_erosion"),
    ("ndimage.{}(blobs)", BINARY),
    ("ndimage.{}(image, 1.5)", "gaussian_filter gaussian_laplace gaussian_gradient_magnitude"),
    ("ndimage.{}(image)", "laplace prewitt sobel spline_filter"),
    ("ndimage.{}(image32)", "sobel"),
    ("ndimage.{}(image, 3)", "uniform_filter median_filter maximum_filter minimum_filter"),
    ("ndimage.{}(levels, 3)", "uniform_filter"),
    ("ndimage.{}1d(image, 3)", "uniform_filter maximum_filter gaussian_filter"),
    ("ndimage.{}(image, kernel)", "convolve correlate"),
    ("ndimage.convolve(image, kernel, mode={})", "'wrap' 'constant'"),
    ("ndimage.{}1d(image, taps, axis=0)", "convolve correlate"),
    ("ndimage.percentile_filter(image, {}, size=3)", "20 80"),
    ("ndimage.rank_filter(image, {}, size=3)", "2 5"),
    ("ndimage.shift(image, {})", "1.5 (0.5,-1.25)"),
    ("ndimage.zoom(image, {})", "1.5 2"),
    ("ndimage.rotate(image, {})", "30.0 90.0"),
    ("ndimage.affine_transform(image, {})", "xp.asarray([0.9,1.1])"),
    ("ndimage.map_coordinates(image, {})", "h[:2,:]"),
    ("ndimage.spline_filter1d(image, {})", "2 3"),
    ("ndimage.{}(image, levels, xp.asarray([1, 2, 3]))", MEASURED),
    ("ndimage.{}(image)", "center_of_mass extrema maximum_position minimum_position"),
    ("ndimage.label({})", "blobs levels"),
    ("ndimage.histogram(image, 0.0, 1.0, {})", "4 8"),
    ("ndimage.fourier_gaussian(image, {})", "1.0 2.5"),
    ("ndimage.{}(image, 2.0)", "fourier_uniform fourier_shift fourier_ellipsoid"),
    # fft
    ("fft.{}(c)", "fft ifft hfft irfft"),
    ("fft.{}(c, n=12)", "ifft hfft"),
    ("fft.{}(c, norm='ortho')", "fft"),
    ("fft.{}(s)", "fft rfft ihfft dct idst"),
    ("fft.{}(s32)", "rfft dct"),
    ("fft.{}(g, axis=0)", "fft dct"),
    ("fft.{}(image)", "fft2 rfft2 fftn rfftn ifft2 ifftn dctn dstn idctn idstn irfftn irfft2"),
    ("fft.dct(s, type={})", "1 4"),
    ("fft.dst(s, type={}, norm='ortho')", "3"),
    ("fft.{}(c)", "fftshift ifftshift"),
    ("fft.fht(v, 0.1, {})", "0.5 1.5"),
    ("fft.ifht(v, 0.1, {})", "0.5"),
    ("fft.{}(8, 0.5, xp=xp)", "fftfreq rfftfreq"),
    # integrate
    ("integrate.trapezoid({})", "s s,t g,axis=0"),
    ("integrate.cumulative_trapezoid({})", "s s,t g,initial=0"),
    ("integrate.cumulative_simpson({})", "s g s,x=t"),
    ("integrate.romb({})", "s[:33] g"),
    ("integrate.tanhsinh(lambda r:{}, u, v)", "r*r xp.exp(-r)"),
    ("integrate.nsum(lambda k: 1 / k**{}, xp.asarray(1.), xp.asarray(40.))", "2"),
    ("integrate.cubature(lambda r: xp.sum(r**{}, axis=-1), u[:2], v[:2])", "2"),
    # cluster, linalg, optimize, interpolate, differentiate, spatial, constants
    ("cluster.hierarchy.{}(points)", LINKAGES),
    ("cluster.hierarchy.fcluster(cluster.hierarchy.ward(points), {})", "1.0 2.0"),
    (
        "cluster.hierarchy.{}(cluster.hierarchy.ward(points))",
        "cophenet inconsistent maxdists leaves_list",
    ),
    ("cluster.hierarchy.{}(cluster.hierarchy.single(distances))", "is_monotonic is_valid_linkage"),
    ("cluster.vq.whiten({})", "points h"),
    ("cluster.vq.vq(points, {})", "vectors points[:3,:]"),
    ("cluster.vq.{}(points, points[:3, :])", "kmeans"),
    ("cluster.vq.kmeans2(points, points[:3, :], minit={})", "'matrix'"),
    ("linalg.block_diag({})", "square,kernel kernel,image"),
    ("linalg.fiedler({})", "x v"),
    ("linalg.orthogonal_procrustes(vectors, {})", "angles"),
    ("optimize.{}(x)", "rosen rosen_der"),
    ("optimize.elementwise.find_root(lambda r: r**3 - {}, (u * 0, v))", "1"),
    ("optimize.elementwise.find_minimum(lambda r: (r - {})**2, (u * 0, u, u + 6))", "2"),
    ("optimize.elementwise.bracket_root(lambda r: r - {}, u * 0, v)", "1"),
    ("interpolate.make_interp_spline(t, s, k={})(u)", "1 3"),
    ("interpolate.{}(t, s)(u)", "CubicSpline PchipInterpolator Akima1DInterpolator"),
    ("interpolate.RBFInterpolator(points, points[:, 0], kernel='{}')(vectors)", "cubic linear"),
    ("differentiate.derivative(lambda r: xp.sin(r)*{}, u).df", "1 2"),
    ("differentiate.{}", "jacobian(optimize.rosen,v[:12]).df hessian(optimize.rosen,v[:3]).ddf"),
    (
        "spatial.transform.Rotation.from_quat(quaternion).{}()",
        "as_matrix as_rotvec as_mrp inv().as_quat",
    ),
    ("spatial.transform.Rotation.from_rotvec(angles).apply({})", "vectors"),
    (
        "spatial.transform.Rotation.from_euler('xyz', angles).{}",
        "as_quat() magnitude() as_euler('zyx')",
    ),
    ("constants.convert_temperature(v, 'C', {})", "'K' 'F'"),
    ("constants.{}(v)", "lambda2nu nu2lambda"),
]  # fmt: skip

CALLS = [text for template, words in FAMILIES for text in _filled(template, words)]


def _environment(xp: Any, scale: int) -> dict[str, Any]:
    modules = {name: importlib.import_module(f"scipy.{name}") for name in SUBPACKAGES}
    for name in ("cluster.vq", "cluster.hierarchy", "optimize.elementwise", "spatial.transform"):
        importlib.import_module(f"scipy.{name}")
    return modules | operands(xp, scale)


def bind(xp: Any, scale: int = 1) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Each call's text and a function that makes the call on `xp`'s arrays."""
    environment = _environment(xp, scale)
    for text in CALLS:
        yield text, _function(compile(text, text, "eval"), environment)


def _function(code: CodeType, environment: dict[str, Any]) -> Callable[[], Any]:
    return lambda: eval(code, environment)
