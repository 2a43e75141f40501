"""The fields that a model declares, and what a model must not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import AliasChoices, BaseModel, PydanticUserError
from pydantic.errors import PydanticUndefinedAnnotation
from pydantic.fields import FieldInfo

from rushtyped.dtypes.place import Place


def declared_fields(model: type[BaseModel], place: Place) -> Mapping[str, FieldInfo]:
    """List the fields of a model by name; refuse a model that cannot be stored as it is."""
    if model.model_config.get("use_enum_values"):
        raise place.refuse(model, "it has use_enum_values=True", "use a Literal of strings")
    if not model.__pydantic_complete__:
        try:
            model.model_rebuild()
        except (PydanticUndefinedAnnotation, PydanticUserError) as error:
            reason = f"it is not fully defined ({str(error).splitlines()[0]})"
            hint = "define every name that its annotations use"
            raise place.refuse(model, reason, hint) from error
    for name, info in model.model_fields.items():
        for alias in _aliases(info):
            if alias != name and alias in model.model_fields:
                reason = f"the alias of its field {name!r} is the name of its field {alias!r}"
                raise place.refuse(model, reason, "rename the alias")
    return model.model_fields


def _aliases(info: FieldInfo) -> list[str]:
    validation = info.validation_alias
    choices = validation.choices if isinstance(validation, AliasChoices) else [validation]
    return [alias for alias in (info.alias, *choices) if isinstance(alias, str)]


def is_changed(model: type[BaseModel], name: str) -> bool:
    """Say whether a validator of the model may change a field after it was checked."""
    validators = model.__pydantic_decorators__.field_validators.values()
    changing: list[Any] = [each.info for each in validators if each.info.mode != "before"]
    if model.model_config.get("str_to_lower") or model.model_config.get("str_to_upper"):
        return True
    return any(name in info.fields or "*" in info.fields for info in changing)


def validates_default(model: type[BaseModel], info: FieldInfo) -> bool:
    """Say whether the default of a field is validated, which may change it."""
    if info.validate_default is not None:
        return info.validate_default
    return bool(model.model_config.get("validate_default"))
