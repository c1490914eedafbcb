"""Actions asked for by people, with a reason before and an outcome after."""
