"""Update rules beyond torch's, one file for each; `minigrad optim diagnose` compares them.

Left out: 8-bit states, whose kernels read and write blocks of bytes, and Levenberg-Marquardt,
Gauss-Newton, conjugate gradients, Nelder-Mead and bounds for LBFGS, which are not texts for one
parameter.  Rules of matrices and rows (`whole=True`) run as NumPy throughout: products and
factorizations take most of their time.
"""

from minigrad.core.public_names import show_public_names
from minigrad.optim.rules.accsgd import AccSGD
from minigrad.optim.rules.adabelief import AdaBelief
from minigrad.optim.rules.adabound import AdaBound
from minigrad.optim.rules.adai import Adai
from minigrad.optim.rules.adamod import AdaMod
from minigrad.optim.rules.adamp import AdamP
from minigrad.optim.rules.adan import Adan
from minigrad.optim.rules.adanorm import AdaNorm
from minigrad.optim.rules.adashift import AdaShift
from minigrad.optim.rules.ademamix import AdEMAMix
from minigrad.optim.rules.aggmo import AggMo
from minigrad.optim.rules.amos import Amos
from minigrad.optim.rules.apollo import Apollo
from minigrad.optim.rules.avagrad import AvaGrad
from minigrad.optim.rules.came import CAME
from minigrad.optim.rules.cautious_adamw import CautiousAdamW
from minigrad.optim.rules.dadapt_adam import DAdaptAdam
from minigrad.optim.rules.dadapt_lion import DAdaptLion
from minigrad.optim.rules.dadapt_sgd import DAdaptSGD
from minigrad.optim.rules.diffgrad import DiffGrad
from minigrad.optim.rules.eight_bit import Adam8bit, AdamW8bit, Lion8bit
from minigrad.optim.rules.fromage import Fromage
from minigrad.optim.rules.ftrl import FTRL
from minigrad.optim.rules.galore import GaLore
from minigrad.optim.rules.grams import Grams
from minigrad.optim.rules.gravity import Gravity
from minigrad.optim.rules.kron import Kron
from minigrad.optim.rules.laprop import LaProp
from minigrad.optim.rules.madgrad import MADGRAD
from minigrad.optim.rules.mars import MARS
from minigrad.optim.rules.muon_all import MuonAll
from minigrad.optim.rules.nero import Nero
from minigrad.optim.rules.novograd import NovoGrad
from minigrad.optim.rules.padam import PAdam
from minigrad.optim.rules.pid import PID
from minigrad.optim.rules.pnm import PNM
from minigrad.optim.rules.prodigy import Prodigy
from minigrad.optim.rules.qhadam import QHAdam
from minigrad.optim.rules.qhm import QHM
from minigrad.optim.rules.ranger import Ranger
from minigrad.optim.rules.rprop_plus import RpropPlus
from minigrad.optim.rules.sgdp import SGDP
from minigrad.optim.rules.shampoo import Shampoo
from minigrad.optim.rules.signsgd import SignSGD
from minigrad.optim.rules.sm3 import SM3
from minigrad.optim.rules.soap import SOAP
from minigrad.optim.rules.sophia_g import SophiaG
from minigrad.optim.rules.splus import SPlus
from minigrad.optim.rules.srmm import SRMM
from minigrad.optim.rules.stable_adamw import StableAdamW
from minigrad.optim.rules.tiger import Tiger
from minigrad.optim.rules.yogi import Yogi

__all__ = [
    "CAME",
    "FTRL",
    "MADGRAD",
    "MARS",
    "PID",
    "PNM",
    "QHM",
    "SGDP",
    "SM3",
    "SOAP",
    "SRMM",
    "AccSGD",
    "AdEMAMix",
    "AdaBelief",
    "AdaBound",
    "AdaMod",
    "AdaNorm",
    "AdaShift",
    "Adai",
    "Adam8bit",
    "AdamP",
    "AdamW8bit",
    "Adan",
    "AggMo",
    "Amos",
    "Apollo",
    "AvaGrad",
    "CautiousAdamW",
    "DAdaptAdam",
    "DAdaptLion",
    "DAdaptSGD",
    "DiffGrad",
    "Fromage",
    "GaLore",
    "Grams",
    "Gravity",
    "Kron",
    "LaProp",
    "Lion8bit",
    "MuonAll",
    "Nero",
    "NovoGrad",
    "PAdam",
    "Prodigy",
    "QHAdam",
    "Ranger",
    "RpropPlus",
    "SPlus",
    "Shampoo",
    "SignSGD",
    "SophiaG",
    "StableAdamW",
    "Tiger",
    "Yogi",
]

show_public_names(__name__)
