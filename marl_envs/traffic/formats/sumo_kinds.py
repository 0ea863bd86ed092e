"""Kinds of vehicle of SUMO's route files, and how fast they begin.

Source: SUMO's table of defaults of a vehicle class (Vehicle_Type_Parameter_Defaults).
"""

from __future__ import annotations

from marl_envs.core.params import ParameterError
from marl_envs.traffic.demand import Kind
from marl_envs.traffic.formats.sumo_xml import Element

DEFAULT = "DEFAULT_VEHTYPE"
# length [m], width [m], top speed [km/h], acceleration and deceleration [m/s2]
_CAR = (5.0, 1.8, 200.0, 2.6, 4.5)
_VAN = (6.5, 2.16, 200.0, 2.6, 4.5)
_CLASSES = {
    **dict.fromkeys(("passenger", "private", "taxi", "hov", "evehicle", "vip", "custom1", "custom2", "ignoring"), _CAR),
    **dict.fromkeys(("emergency", "delivery"), _VAN),
    **dict.fromkeys(("authority", "army"), _CAR),
    "truck": (7.1, 2.4, 130.0, 1.3, 4.0),
    "trailer": (16.5, 2.55, 130.0, 1.0, 4.0),
    "bus": (12.0, 2.5, 85.0, 1.2, 4.0),
    "coach": (14.0, 2.6, 100.0, 2.0, 4.0),
    "motorcycle": (2.2, 0.9, 200.0, 6.0, 10.0),
    "moped": (2.1, 0.8, 45.0, 1.1, 7.0),
}
# Standard deviation of the factor by which drivers wish to be faster than allowed; the others do not vary
_SPREADS = {
    **dict.fromkeys(
        ("passenger", "private", "hov", "evehicle", "vip", "custom1", "custom2", "motorcycle", "moped"), 0.1
    ),
    **dict.fromkeys(("taxi", "delivery", "truck", "trailer", "coach"), 0.05),
}
_MIN_GAP, _HEADWAY = 2.5, 1.0  # [m], [s]
SIGMA = 0.5  # how imperfect drivers are
FASTEST = 1000.0  # of all speeds that may be given [m/s]
# `departSpeed` -> FlowPlan.pace. Our drivers all want what is allowed, so three words mean the same
_PACES = {
    "max": "bounded",
    "desired": "bounded",
    "speedLimit": "bounded",
    "avg": "average",
    "last": "last",
    "random": "any",
}
_IMPERFECT = ("Krauss", "KraussOrig1", "KraussPS", "KraussX", "SKOrig", "PWag2009")  # models with `sigma`


def kind_of(element: Element, fastest: float) -> Kind:
    """Return the kind of vehicle of a `vType`.

    SUMO's imperfect drivers fall short of what they could do by up to `sigma` times `accel` in each second, half of it
    on average. Ours do not vary, so they accelerate by that mean, `accel` * (1 - `sigma` / 2).
    SUMO's `decel` is both the usual and the hardest braking. Its top speeds, far above any limit, are cut down to
    `fastest` [m/s], the network's highest limit: nobody drives faster, but drivers would estimate times with it.

    Raises:
        ParameterError: a class that does not drive on lanes for cars, or an attribute that is no positive number.
    """
    name = element.attributes.get("vClass", "passenger")
    if name not in _CLASSES:
        raise ParameterError(f"{element}: vClass {name!r} is not supported; allowed are {', '.join(sorted(_CLASSES))}")
    length, width, top, acceleration, deceleration = _CLASSES[name]
    acceleration, deceleration = element.number("accel", acceleration), element.number("decel", deceleration)
    acceleration *= 1.0 - _sigma(element) / 2.0
    kind = Kind(
        length=element.number("length", length),
        width=element.number("width", width),
        max_acceleration=acceleration,
        max_deceleration=deceleration,
        usual_acceleration=acceleration,
        usual_deceleration=deceleration,
        min_gap=element.number("minGap", _MIN_GAP),
        max_speed=min(element.number("maxSpeed", top / 3.6), fastest),
        headway=element.number("tau", _HEADWAY),
        imperfection=_sigma(element),
        speed_spread=_spread(element, name),
    )
    for attribute, value in (
        ("length", kind.length),
        ("accel", acceleration),
        ("decel", deceleration),
        ("maxSpeed", kind.max_speed),
    ):
        if value <= 0.0:
            raise ParameterError(f"{element}: {attribute} must be positive, not {element.attributes[attribute]!r}")
    return kind


def _sigma(element: Element) -> float:
    """Return how imperfect the drivers of a `vType` are, from 0 to 1."""
    sigma = element.number("sigma", SIGMA)
    if sigma > 1.0:
        raise ParameterError(f"{element}: sigma must be from 0 to 1, not {element.attributes['sigma']!r}")
    return sigma if element.attributes.get("carFollowModel", "Krauss") in _IMPERFECT else 0.0


def _spread(element: Element, name: str) -> float:
    """Return the standard deviation of the factor by which the drivers of a `vType` wish to be faster than allowed."""
    spread = element.number("speedDev", _SPREADS.get(name, 0.0))
    if spread > 1.0:
        raise ParameterError(f"{element}: speedDev must be from 0 to 1, not {element.attributes['speedDev']!r}")
    return spread


def begin_of(element: Element) -> tuple[float, str]:
    """Return how fast the vehicles of an element begin: a speed [m/s] and how they keep to it (`FlowPlan.pace`).

    Where there is no `departSpeed`, they begin as fast as the others on the lane, which is the default of SUMO 1.28.

    Raises:
        ParameterError: it is neither a number from 0 to FASTEST nor one of SUMO's words.
    """
    word = element.attributes.get("departSpeed", "avg")
    if word in _PACES:
        return FASTEST, _PACES[word]
    try:
        speed = element.number("departSpeed")
    except ParameterError:
        speed = -1.0
    if not 0.0 <= speed <= FASTEST:
        raise ParameterError(
            f"{element}: departSpeed must be from 0 to {FASTEST:g} m/s, or one of {', '.join(_PACES)}, not {word!r}"
        )
    return speed, "bounded"


def default_kind(vehicle_class: str, fastest: float) -> Kind:
    """Return the kind of vehicle that SUMO takes for a class; see `kind_of`."""
    return kind_of(Element("defaults", 0, "vType", {"id": vehicle_class, "vClass": vehicle_class}), fastest)
