"""From a `Recipe` to a `Plan`: names, arguments, aliasing, and where each value lies."""

from tensorflow_free.binding.recipes import Binding, bind

__all__ = ["Binding", "bind"]
