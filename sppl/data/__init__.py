"""Reads questions and responses from files and the hub, and turns them into token ids."""
