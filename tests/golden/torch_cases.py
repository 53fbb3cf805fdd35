"""A reference case: inputs, output, a cotangent and the inputs' gradients, from PyTorch in float64."""
import numpy as np
import torch

torch.set_default_dtype(torch.float64)


def save_case(folder, name, function, inputs):
    """Writes FOLDER/NAME.{in0, in1, ..., out, cotangent, grad0, ...}.npy."""
    inputs = [x.detach().clone().requires_grad_() for x in inputs]
    y = function(*inputs)
    w = torch.randn(y.shape)
    grads = torch.autograd.grad(y, inputs, w)
    for i, (x, g) in enumerate(zip(inputs, grads)):
        np.save(folder / f"{name}.in{i}.npy", x.detach().numpy())
        np.save(folder / f"{name}.grad{i}.npy", g.numpy())
    np.save(folder / f"{name}.out.npy", y.detach().numpy())
    np.save(folder / f"{name}.cotangent.npy", w.numpy())
