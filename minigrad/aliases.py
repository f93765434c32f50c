"""Top-level names of in-place methods, of other methods and of functions of layers, as in torch.

>>> x = minigrad.tensor([1.0, -2.0])
>>> minigrad.abs_(x) is x
True
"""

from minigrad.nn import functional as _F
from minigrad.nn.functional import rnn as _rnn
from minigrad.tensor import Tensor as _Tensor

# --- in place -------------------------------------------------------------------------------------

abs_, neg_, negative_ = _Tensor.abs_, _Tensor.neg_, _Tensor.negative_
conj_physical_ = _Tensor.conj_physical_
ceil_, floor_, round_, trunc_, fix_ = (
    _Tensor.ceil_, _Tensor.floor_, _Tensor.round_, _Tensor.trunc_, _Tensor.fix_,
)  # fmt: skip
frac_, reciprocal_, square_ = _Tensor.frac_, _Tensor.reciprocal_, _Tensor.square_
sqrt_, rsqrt_ = _Tensor.sqrt_, _Tensor.rsqrt_
exp_, exp2_, expm1_ = _Tensor.exp_, _Tensor.exp2_, _Tensor.expm1_
log_, log2_, log10_, log1p_ = _Tensor.log_, _Tensor.log2_, _Tensor.log10_, _Tensor.log1p_
sin_, cos_, tan_, sinc_ = _Tensor.sin_, _Tensor.cos_, _Tensor.tan_, _Tensor.sinc_
sinh_, cosh_, tanh_ = _Tensor.sinh_, _Tensor.cosh_, _Tensor.tanh_
asin_, acos_, atan_ = _Tensor.asin_, _Tensor.acos_, _Tensor.atan_
asinh_, acosh_, atanh_ = _Tensor.asinh_, _Tensor.acosh_, _Tensor.atanh_
arcsin_, arccos_, arctan_ = asin_, acos_, atan_
arcsinh_, arccosh_, arctanh_ = asinh_, acosh_, atanh_
deg2rad_, rad2deg_ = _Tensor.deg2rad_, _Tensor.rad2deg_
erf_, erfc_, i0_ = _Tensor.erf_, _Tensor.erfc_, _Tensor.i0_
relu_, sigmoid_, logit_ = _Tensor.relu_, _Tensor.sigmoid_, _Tensor.logit_
clamp_, clamp_min_, clamp_max_ = _Tensor.clamp_, _Tensor.clamp_min_, _Tensor.clamp_max_
clip_, nan_to_num_, xlogy_ = _Tensor.clip_, _Tensor.nan_to_num_, _Tensor.xlogy_
gcd_, lcm_, ldexp_ = _Tensor.gcd_, _Tensor.lcm_, _Tensor.ldexp_
addmv_, index_put_ = _Tensor.addmv_, _Tensor.index_put_
fill_, zero_, detach_ = _Tensor.fill_, _Tensor.zero_, _Tensor.detach_
as_strided_ = _Tensor.as_strided_

# --- methods --------------------------------------------------------------------------------------

detach, numel, ravel, put = _Tensor.detach, _Tensor.numel, _Tensor.ravel, _Tensor.put
is_floating_point, is_complex = _Tensor.is_floating_point, _Tensor.is_complex
is_conj, is_neg = _Tensor.is_conj, _Tensor.is_neg
is_signed, is_nonzero, is_inference = _Tensor.is_signed, _Tensor.is_nonzero, _Tensor.is_inference
is_same_size, split_with_sizes = _Tensor.is_same_size, _Tensor.split_with_sizes

# --- layers ---------------------------------------------------------------------------------------

conv1d, conv2d, conv3d = _F.conv1d, _F.conv2d, _F.conv3d
conv_transpose1d, conv_transpose2d = _F.conv_transpose1d, _F.conv_transpose2d
conv_transpose3d, avg_pool1d = _F.conv_transpose3d, _F.avg_pool1d
max_pool1d, max_pool2d, max_pool3d = _F.max_pool1d, _F.max_pool2d, _F.max_pool3d
adaptive_avg_pool1d, adaptive_max_pool1d = (
    _F.adaptive_avg_pool1d,
    _F.adaptive_max_pool1d_with_indices,
)
layer_norm, group_norm, rms_norm = _F.layer_norm, _F.group_norm, _F.rms_norm
bilinear, dropout = _F.bilinear, _F.dropout
pixel_shuffle, pixel_unshuffle = _F.pixel_shuffle, _F.pixel_unshuffle
channel_shuffle, conv_tbc = _F.channel_shuffle, _F.conv_tbc
cosine_similarity, pairwise_distance = _F.cosine_similarity, _F.pairwise_distance
celu, celu_, selu, selu_ = _F.celu, _F.celu_, _F.selu, _F.selu_
rrelu, rrelu_, prelu = _F.rrelu, _F.rrelu_, _F.prelu
threshold, threshold_ = _F.threshold, _F.threshold_
alpha_dropout, feature_alpha_dropout = _F.alpha_dropout, _F.feature_alpha_dropout
lstm, gru, rnn_tanh, rnn_relu = _rnn.lstm, _rnn.gru, _rnn.rnn_tanh, _rnn.rnn_relu
lstm_cell, gru_cell = _rnn.lstm_cell, _rnn.gru_cell
rnn_tanh_cell, rnn_relu_cell = _rnn.rnn_tanh_cell, _rnn.rnn_relu_cell
