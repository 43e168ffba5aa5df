"""The embedded lab: a tiny world of questions, simulated teachers and a target pretrained in it from scratch."""
