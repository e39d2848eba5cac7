"""Captions as models and people write them, of a few pictures."""

from __future__ import annotations

FOUND: dict[int, str] = {
    11: "A man riding a wave on top of a surfboard.",
    12: "A cat is sitting on a sofa.",
    13: "Two dogs are running through the grass, and a ball is in the air.",
    14: "a red bus driving down a street",
    15: "A plate of food with a fork and a knife.",
    16: "the the the the",
    17: "There's a woman (smiling) who isn't looking at the dog's bowl.",
    18: "A white-and-black cow stands in a field at 10:30.",
}

REFERENCES: dict[int, list[str]] = {
    11: ["A surfer rides a large wave.", "A man riding a wave on a surfboard in the ocean.", "Someone is surfing"],
    12: ["A black cat sits on a brown couch.", "A cat lying on top of a sofa", "The cat's asleep on the couch."],
    13: ["Two dogs run after a ball in the grass.", "Dogs chasing a ball.", "Two brown dogs playing in a green field."],
    14: ["A red double-decker bus driving down a city street.", "A bus is on the road.", "The bus is red."],
    15: ["A plate with meat, vegetables and a fork.", "A white plate topped with food.", "Dinner on a plate!"],
    16: ["The horse stands in the barn.", "A horse in a stable.", "the brown horse"],
    17: ["A woman isn't looking at the dog's bowl.", "A smiling woman and a dog.", "There's a dog by the woman"],
    18: ["A cow stands in a field.", "A black-and-white cow grazing in the field.", "One cow, outdoors, at 10:30 a.m."],
}
