"""Operations under the second names that torch has for them."""

from minigrad.ops.compare import ge, gt, le, lt, ne
from minigrad.ops.compose import scaled_sub
from minigrad.ops.elementwise import abs, mul, neg, sign
from minigrad.ops.pairs import atan2, clamp, quotient
from minigrad.ops.scan import trapezoid
from minigrad.ops.special import acos, acosh, asin, asinh, atan, atanh, trunc

absolute, negative, sgn = abs, neg, sign
multiply, subtract, divide, true_divide = mul, scaled_sub, quotient, quotient
clip, fix = clamp, trunc
greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne
arccos, arcsin, arctan, arctan2 = acos, asin, atan, atan2
arccosh, arcsinh, arctanh = acosh, asinh, atanh
trapz = trapezoid
