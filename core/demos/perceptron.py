"""A multilayer perceptron in NumPy: forward pass, backpropagation, Adam."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

Weights = list[np.ndarray]  # W1, b1, W2, b2, …; W is f8[inputs, outputs], b is f8[outputs]


class Gradients(NamedTuple):
    """The result of one backward pass over a batch."""

    loss: float
    accuracy: float
    weights: Weights
    norm: float


class Perceptron:
    """A classifier with tanh layers and a softmax output.

    Args:
        sizes: neurons of each layer, inputs first, classes last.
        random: draws the first weights, uniform in ±sqrt(6 / (inputs + outputs)) (Glorot and Bengio 2010, eq. 16).
    """

    def __init__(self, sizes: tuple[int, ...], random: np.random.Generator) -> None:
        self.weights: Weights = []
        for inputs, outputs in itertools.pairwise(sizes):
            limit = np.sqrt(6.0 / (inputs + outputs))
            self.weights += [random.uniform(-limit, limit, (inputs, outputs)), np.zeros(outputs)]

    def activations(self, x: np.ndarray) -> list[np.ndarray]:
        """Return the output of each layer for a batch.

        Args:
            x: f8[batch, inputs].

        Returns:
            f8[batch, neurons] of each layer; the last is the probability of each class.
        """
        layers = [x]
        for i in range(0, len(self.weights), 2):
            z = layers[-1] @ self.weights[i] + self.weights[i + 1]
            layers.append(np.tanh(z) if i + 2 < len(self.weights) else _softmax(z))
        return layers[1:]

    def evaluate(self, x: np.ndarray, target: np.ndarray) -> tuple[float, float]:
        """Return (cross entropy in nats, share of right answers) for x f8[n, inputs] and target i8[n]."""
        return _score(self.activations(x)[-1], target)

    def gradients(self, x: np.ndarray, target: np.ndarray, *, decay: float = 0.0) -> Gradients:
        """Backpropagate the mean cross entropy of a batch.

        Args:
            x: f8[batch, inputs]. target: i8[batch], index of the right class.
            decay: weight of the L2 penalty on the matrices.
        """
        layers = [x, *self.activations(x)]
        loss, accuracy = _score(layers[-1], target)
        error = layers[-1].copy()
        error[np.arange(len(target)), target] -= 1.0  # derivative of the cross entropy behind a softmax
        error /= len(target)
        gradients: Weights = []
        for i in range(len(self.weights) - 2, -1, -2):
            below = layers[i // 2]
            gradients = [below.T @ error + decay * self.weights[i], error.sum(axis=0), *gradients]
            error = (error @ self.weights[i].T) * (1.0 - below**2)  # tanh' = 1 - tanh²; unused below the first layer
        norm = float(np.sqrt(sum(float((g * g).sum()) for g in gradients)))
        return Gradients(loss, accuracy, gradients, norm)


class Adam:
    """The optimizer of Kingma and Ba 2015, algorithm 1, with their default constants."""

    def __init__(self, weights: Weights) -> None:
        self._mean = [np.zeros_like(w) for w in weights]
        self._square = [np.zeros_like(w) for w in weights]
        self._steps = 0

    def step(self, weights: Weights, gradients: Weights, learning_rate: float) -> None:
        """Change the weights in place by one step."""
        self._steps += 1
        scale = learning_rate * np.sqrt(1.0 - 0.999**self._steps) / (1.0 - 0.9**self._steps)
        for w, g, mean, square in zip(weights, gradients, self._mean, self._square, strict=True):
            mean += 0.1 * (g - mean)
            square += 0.001 * (g * g - square)
            w -= scale * mean / (np.sqrt(square) + 1e-8)


def _softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _score(probability: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    of_target = probability[np.arange(len(target)), target]
    loss = float(-np.log(np.maximum(of_target, 1e-300)).mean())  # NaN stays NaN: a diverged run must show it
    return loss, float((probability.argmax(axis=1) == target).mean())
