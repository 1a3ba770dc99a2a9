"""Components by import path: ``{class: cyclical.Cyclical, cycles: 4}`` → an object.

The import path is the registry: a name is looked up below its home package first
(``cyclical.Cyclical`` → ``vaebench.strategies.cyclical.Cyclical``), then as an absolute path, so a
user's own class needs no fork. The options are the keyword-only arguments of the constructor and
their annotations are the check.
"""

import functools
import importlib
import importlib.util
import inspect
import re
from collections.abc import Callable, Mapping
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from vaebench.errors import ArgumentError, ConfigError


def module_spec(module: str) -> ModuleSpec | None:
    """Where an absolute module lies; None if there is none.

    ``importlib.util.find_spec`` runs the packages above the module, and with ours that loads torch.
    Here nothing is run.
    """
    parent = module.rpartition(".")[0]
    if not parent:
        return importlib.util.find_spec(module)
    package = module_spec(parent)
    if package is None or package.submodule_search_locations is None:
        return None
    try:
        return PathFinder.find_spec(module, package.submodule_search_locations)
    except KeyError:  # folders without __init__.py in one another: Python must import the outer one
        return importlib.util.find_spec(module)


@functools.cache
def module_name(home: str, path: str) -> str:
    """The absolute module of ``path`` as seen from package ``home``; nothing of it is run.

    Raises:
        ConfigError: there is no such module.
    """
    module, _, _ = path.rpartition(".")
    for candidate in (f"{home}.{module}", module):
        if module and module_spec(candidate):
            return candidate
    raise ConfigError(
        f"class: {path!r} is no importable class; allowed: file.Class below {home}, "
        "or any full import path"
    )


def find(home: str, path: str) -> Any:  # noqa: ANN401 (a class of the home's contract)
    """The class at ``path``, first below package ``home``, then anywhere.

    Raises:
        ConfigError: no such module or class.
    """
    module = importlib.import_module(module_name(home, path))
    name = path.rpartition(".")[2]
    component = getattr(module, name, None)
    if not inspect.isclass(component):
        classes = sorted(
            name
            for name, value in vars(module).items()
            if inspect.isclass(value) and value.__module__ == module.__name__
        )
        raise ConfigError(
            f"class: {path!r} is not there; {module.__name__} has {', '.join(classes)}"
        )
    return component


class Checked:
    """Base of components that check their options themselves, in a library as in a configuration.

    The constructor of every subclass gets its keyword-only arguments as :func:`validated` gives
    them; a subclass that hands options on to its parent's constructor has them checked there, too.
    """

    def __init_subclass__(cls, **options: object) -> None:
        """Wrap the constructor that ``cls`` defines."""
        super().__init_subclass__(**options)
        own = vars(cls).get("__init__")
        if own is not None:
            setattr(cls, "__init__", _checking(cls, own))  # noqa: B010 (mypy: no assignment)


def _checking(component: type, construct: Callable[..., None]) -> Callable[..., None]:
    """The constructor ``construct`` of ``component``, with its options checked.

    Raises (when called):
        ArgumentError: an unknown option, a wrong type or an impossible value.
    """
    kinds = {name: found.kind for name, found in inspect.signature(construct).parameters.items()}
    open_ended = inspect.Parameter.VAR_KEYWORD in kinds.values()  # its parent checks what is left

    @functools.wraps(construct)
    def checked(self: object, *arguments: object, **given: object) -> None:
        mine = {
            name: value
            for name, value in given.items()
            if kinds.get(name, None if open_ended else inspect.Parameter.KEYWORD_ONLY)
            is inspect.Parameter.KEYWORD_ONLY
        }
        try:
            options = dict(validated(component, mine))
        except ConfigError as error:
            raise ArgumentError(f"{type(self).__name__}: {error}") from None
        construct(self, *arguments, **(given | options))

    return checked


@functools.cache
def options_model(component: type) -> type[BaseModel]:
    """A strict pydantic model of the keyword-only arguments of a component's constructor.

    Raises:
        ConfigError: an option without an annotation that checks it.
    """
    constructor = inspect.unwrap(getattr(component, "__init__"))  # noqa: B009 (a class's, maybe inherited)
    try:
        hints = get_type_hints(constructor, include_extras=True)
    except NameError as error:
        raise ConfigError(
            f"an annotation of its options cannot be read ({error}); allowed: names that exist "
            "when the program runs"
        ) from None
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(constructor).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY:
            if name not in hints:
                raise ConfigError(
                    f"option {name!r} has no annotation; allowed: a type that checks it"
                )
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[name] = (hints[name], default)
    return create_model(
        component.__name__,
        __config__=ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True),
        **fields,
    )


def validated(component: type, given: dict[str, Any]) -> BaseModel:
    """The ``given`` options of ``component``, checked, the others at their default.

    Raises:
        ConfigError: an unknown option, a wrong type or an impossible value.
    """
    model = options_model(component)
    try:
        return model(**given)
    except ValidationError as error:
        raise ConfigError(sentence(error, model)) from None


def options(component: type, given: dict[str, Any]) -> dict[str, Any]:
    """All options of ``component`` as plain data; see :func:`validated`."""
    return validated(component, given).model_dump()


def create(home: str, spec: dict[str, Any], *arguments: object) -> Any:  # noqa: ANN401
    """The object described by ``spec = {"class": path, **options}``.

    ``arguments`` come from the data (a model's number of features), never from a config.

    Raises:
        ConfigError: the class or one of its options is not usable.
    """
    component = find(home, spec["class"])
    given = {key: value for key, value in spec.items() if key != "class"}
    checked = validated(component, given)
    try:
        return component(*arguments, **dict(checked))
    except ValueError as error:
        raise ConfigError(str(error)) from error


def unnamed(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A component's specification without its name in the study."""
    return {key: value for key, value in spec.items() if key != "name"}


def sentence(error: ValidationError, model: type[BaseModel]) -> str:
    """The first finding of pydantic as one sentence: key, value, what is allowed."""
    finding = error.errors(include_url=False)[0]
    where: type[BaseModel] | None = model
    kinds: dict[str, type[BaseModel]] = {}
    names = []
    for part in finding["loc"]:
        if part in kinds:  # not a key: pydantic's word for the kind that was chosen
            where, kinds = kinds[str(part)], {}
            continue
        if part == "[key]":  # the name before it is what is wrong, not its value
            continue
        names.append(str(part))
        if where is not None and isinstance(part, str) and part in where.model_fields:
            inner = _models(where.model_fields[part].annotation)
            where = inner[0] if inner else None
            kinds = {str(each.model_fields["kind"].default): each for each in inner[1:] and inner}
    key = ".".join(names) or model.__name__
    if finding["type"] == "union_tag_invalid":
        allowed, tag = finding["ctx"]["expected_tags"], finding["ctx"]["tag"]
        return f"{key}.kind: {tag!r} is not allowed; allowed: {allowed}"
    if finding["type"] == "extra_forbidden":
        if where is None:
            return f"{key}: unknown key"
        allowed = ", ".join(
            sorted(field.alias or name for name, field in where.model_fields.items())
        )
        return f"{key}: unknown key; allowed: {allowed or 'none'}"
    if finding["type"] == "missing":
        return f"{key}: missing"
    message = re.sub("^(Value error, )?(Input |[A-Z][a-z]+ (?=should))?", "", finding["msg"])
    return f"{key}: {finding['input']!r} is not allowed; it {message}"


def _models(annotation: object) -> list[type[BaseModel]]:
    """The models in an annotation; several are those of a union, each with its ``kind``."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]
