"""Processes that stay warm and answer questions, one after another: asked by their parent, answered in the child."""
