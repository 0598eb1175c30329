"""The code cells of a primer on PyTorch 1.x, and what they print there: data of a test.

`PRINTED` holds, by the cells' numbers, what PyTorch 2 prints instead where it differs. A cell of
`RANDOM` prints numbers that are drawn, or left over in memory, or depend on such.
"""

# ruff: noqa: E501, W291

from __future__ import annotations

from typing import NamedTuple


class Cell(NamedTuple):
    """A cell's number, its code, and its output there."""

    number: int
    code: str
    output: str


CELLS = [
    Cell(
        2,
        """#引入pytorch包
from __future__ import print_function
import torch""",
        """""",
    ),
    Cell(
        3,
        """x = torch.rand(4, 3) 
print(x)""",
        """tensor([[0.7193, 0.5077, 0.8020],
        [0.8887, 0.4076, 0.1221],
        [0.6902, 0.1987, 0.5009],
        [0.2861, 0.8817, 0.0311]])""",
    ),
    Cell(
        4,
        """x = torch.zeros(4, 3, dtype=torch.long)
print(x)""",
        """tensor([[0, 0, 0],
        [0, 0, 0],
        [0, 0, 0],
        [0, 0, 0]])""",
    ),
    Cell(
        5,
        """x = torch.tensor([5.5, 3]) 
print(x)""",
        """tensor([5.5000, 3.0000])""",
    ),
    Cell(
        6,
        """x = x.new_ones(4, 3, dtype=torch.double) # 创建一个新的tensor，返回的tensor默认具有相同的 torch.dtype和torch.device
# 也可以像之前的写法 x = torch.ones(4, 3, dtype=torch.double)
print(x)
x = torch.randn_like(x, dtype=torch.float)
# 重置数据类型
print(x)
# 结果会有一样的size""",
        """tensor([[1., 1., 1.],
        [1., 1., 1.],
        [1., 1., 1.],
        [1., 1., 1.]], dtype=torch.float64)
tensor([[-0.2645,  1.6522, -1.7242],
        [-1.0598,  0.5122, -1.0262],
        [ 0.5059,  1.2221,  0.0102],
        [-1.1656, -0.1463, -0.7669]])""",
    ),
    Cell(
        7,
        """print(x.size())
print(x.shape)""",
        """torch.Size([4, 3])
torch.Size([4, 3])""",
    ),
    Cell(
        8,
        """# 方式1
y = torch.rand(4, 3) 
print(x + y)""",
        """tensor([[-0.2330,  1.7095, -1.4154],
        [-0.1940,  0.6805, -0.9287],
        [ 1.0082,  1.8536,  0.1932],
        [-1.0129,  0.8391, -0.4155]])""",
    ),
    Cell(
        9,
        """# 方式2
print(torch.add(x, y))""",
        """tensor([[-0.2330,  1.7095, -1.4154],
        [-0.1940,  0.6805, -0.9287],
        [ 1.0082,  1.8536,  0.1932],
        [-1.0129,  0.8391, -0.4155]])""",
    ),
    Cell(
        10,
        """# 方式3 提供一个输出 tensor 作为参数
result = torch.empty(5, 3) 
torch.add(x, y, out=result) 
print(result)""",
        """tensor([[-0.2330,  1.7095, -1.4154],
        [-0.1940,  0.6805, -0.9287],
        [ 1.0082,  1.8536,  0.1932],
        [-1.0129,  0.8391, -0.4155]])""",
    ),
    Cell(
        12,
        """# 方式4 in-place
y.add_(x) 
print(y)""",
        """tensor([[-0.2330,  1.7095, -1.4154],
        [-0.1940,  0.6805, -0.9287],
        [ 1.0082,  1.8536,  0.1932],
        [-1.0129,  0.8391, -0.4155]])""",
    ),
    Cell(
        13,
        """# 取第二列
print(x[:, 1]) """,
        """tensor([ 1.6522,  0.5122,  1.2221, -0.1463])""",
    ),
    Cell(
        14,
        """y = x[0,:]
y += 1
print(y)
print(x[0, :]) # 源tensor也被改了了""",
        """tensor([ 0.7355,  2.6522, -0.7242])
tensor([ 0.7355,  2.6522, -0.7242])""",
    ),
    Cell(
        15,
        """x = torch.randn(4, 4)
y = x.view(16)
z = x.view(-1, 8) # -1是指这一维的维数由其他维度决定
print(x.size(), y.size(), z.size())""",
        """torch.Size([4, 4]) torch.Size([16]) torch.Size([2, 8])""",
    ),
    Cell(
        16,
        """x += 1
print(x)
print(y) # 也加了1""",
        """tensor([[-0.7112, -0.4096,  0.7150,  1.8708],
        [-0.4251,  1.9195,  1.3022,  1.5564],
        [-0.1128,  1.6987,  1.1790,  0.6751],
        [ 1.0930,  1.1913,  1.3658,  1.7555]])
tensor([-0.7112, -0.4096,  0.7150,  1.8708, -0.4251,  1.9195,  1.3022,  1.5564,
        -0.1128,  1.6987,  1.1790,  0.6751,  1.0930,  1.1913,  1.3658,  1.7555])""",
    ),
    Cell(
        17,
        """x = torch.randn(1) 
print(x) 
print(x.item())""",
        """tensor([0.1581])
0.1580623984336853""",
    ),
    Cell(
        18,
        """x = torch.arange(1, 3).view(1, 2)
print(x)
y = torch.arange(1, 4).view(3, 1)
print(y)
print(x + y)""",
        """tensor([[1, 2]])
tensor([[1],
        [2],
        [3]])
tensor([[2, 3],
        [3, 4],
        [4, 5]])""",
    ),
    Cell(
        19,
        """#引入包
import torch""",
        """""",
    ),
    Cell(
        20,
        """x = torch.ones(2, 2, requires_grad=True)
print(x)""",
        """tensor([[1., 1.],
        [1., 1.]], requires_grad=True)""",
    ),
    Cell(
        21,
        """y = x**2
print(y)""",
        """tensor([[1., 1.],
        [1., 1.]], grad_fn=<PowBackward0>)""",
    ),
    Cell(
        22,
        """print(y.grad_fn)""",
        """<PowBackward0 object at 0x7faf43bc9b00>""",
    ),
    Cell(
        23,
        """z = y * y * 3
out = z.mean()

print(z, out)""",
        """tensor([[3., 3.],
        [3., 3.]], grad_fn=<MulBackward0>) tensor(3., grad_fn=<MeanBackward1>)""",
    ),
    Cell(
        24,
        """a = torch.randn(2, 2) # 缺失情况下默认 requires_grad = False
a = ((a * 3) / (a - 1))
print(a.requires_grad)
a.requires_grad_(True)
print(a.requires_grad)
b = (a * a).sum()
print(b.grad_fn)""",
        """False
True
<SumBackward0 object at 0x7faf43b61400>""",
    ),
    Cell(
        25,
        """out.backward()""",
        """""",
    ),
    Cell(
        26,
        """print(x.grad)""",
        """tensor([[3., 3.],
        [3., 3.]])""",
    ),
    Cell(
        30,
        """# 再来反向传播⼀一次，注意grad是累加的 2 
out2 = x.sum()
out2.backward()
print(x.grad)

out3 = x.sum()
x.grad.data.zero_()
out3.backward()
print(x.grad)""",
        """tensor([[4., 4.],
        [4., 4.]])
tensor([[1., 1.],
        [1., 1.]])""",
    ),
    Cell(
        31,
        """x = torch.randn(3, requires_grad=True)
print(x)

y = x * 2
i = 0
while y.data.norm() < 1000:
    y = y * 2
    i = i + 1
print(y)
print(i)""",
        """tensor([-0.2283, -1.7334,  1.9509], requires_grad=True)
tensor([-116.8734, -887.4992,  998.8815], grad_fn=<MulBackward0>)
8""",
    ),
    Cell(
        32,
        """v = torch.tensor([0.1, 1.0, 0.0001], dtype=torch.float)
y.backward(v)

print(x.grad)""",
        """tensor([5.1200e+01, 5.1200e+02, 5.1200e-02])""",
    ),
    Cell(
        33,
        """print(x.requires_grad)
print((x ** 2).requires_grad)

with torch.no_grad():
    print((x ** 2).requires_grad)""",
        """True
True
False""",
    ),
    Cell(
        34,
        """x = torch.ones(1,requires_grad=True)

print(x.data) # 还是一个tensor
print(x.data.requires_grad) # 但是已经是独立于计算图之外

y = 2 * x
x.data *= 100 # 只改变了值，不会记录在计算图，所以不会影响梯度传播

y.backward()
print(x) # 更改data的值也会影响tensor的值 
print(x.grad)""",
        """tensor([1.])
False
tensor([100.], requires_grad=True)
tensor([2.])""",
    ),
    Cell(
        35,
        """#引入包
import torch""",
        """""",
    ),
    Cell(
        36,
        """torch.tensor""",
        """<function _VariableFunctions.tensor>""",
    ),
    Cell(
        37,
        """# 创建tensor，用dtype指定类型。注意类型要匹配
a = torch.tensor(1.0, dtype=torch.float)
b = torch.tensor(1, dtype=torch.long)
c = torch.tensor(1.0, dtype=torch.int8)
print(a, b, c)""",
        """tensor(1.) tensor(1) tensor(1, dtype=torch.int8)""",
    ),
    Cell(
        38,
        r"""# 使用指定类型函数随机初始化指定大小的tensor
d = torch.FloatTensor(2,3)
e = torch.IntTensor(2)
f = torch.IntTensor([1,2,3,4])  #对于python已经定义好的数据结构可以直接转换
print(d, '\n', e, '\n', f)""",
        """tensor([[-4.1437e-19,  3.0948e-41,  0.0000e+00],
        [ 0.0000e+00,  0.0000e+00,  0.0000e+00]]) 
 tensor([-1594855312,       22085], dtype=torch.int32) 
 tensor([1, 2, 3, 4], dtype=torch.int32)""",
    ),
    Cell(
        39,
        """# tensor和numpy array之间的相互转换
import numpy as np

g = np.array([[1,2,3],[4,5,6]])
h = torch.tensor(g)
print(h)
i = torch.from_numpy(g)
print(i)
j = h.numpy()
print(j)""",
        """tensor([[1, 2, 3],
        [4, 5, 6]])
tensor([[1, 2, 3],
        [4, 5, 6]])
[[1 2 3]
 [4 5 6]]""",
    ),
    Cell(
        40,
        r"""# 常见的构造Tensor的函数
k = torch.rand(2, 3) 
l = torch.ones(2, 3)
m = torch.zeros(2, 3)
n = torch.arange(0, 10, 2)
print(k, '\n', l, '\n', m, '\n', n)""",
        """tensor([[0.4514, 0.8580, 0.0304],
        [0.0845, 0.3068, 0.7103]]) 
 tensor([[1., 1., 1.],
        [1., 1., 1.]]) 
 tensor([[0., 0., 0.],
        [0., 0., 0.]]) 
 tensor([0, 2, 4, 6, 8])""",
    ),
    Cell(
        41,
        """# 查看tensor的维度信息（两种方式）
print(k.shape)
print(k.size())""",
        """torch.Size([2, 3])
torch.Size([2, 3])""",
    ),
    Cell(
        42,
        """# tensor的运算
o = torch.add(k,l)
print(o)""",
        """tensor([[1.4514, 1.8580, 1.0304],
        [1.0845, 1.3068, 1.7103]])""",
    ),
    Cell(
        43,
        """# tensor的索引方式与numpy类似
print(o[:,1])
print(o[0,:])""",
        """tensor([1.8580, 1.3068])
tensor([1.4514, 1.8580, 1.0304])""",
    ),
    Cell(
        44,
        """# 改变tensor形状的神器：view
print(o.view((3,2)))
print(o.view(-1,2))""",
        """tensor([[1.4514, 1.8580],
        [1.0304, 1.0845],
        [1.3068, 1.7103]])
tensor([[1.4514, 1.8580],
        [1.0304, 1.0845],
        [1.3068, 1.7103]])""",
    ),
    Cell(
        45,
        """# tensor的广播机制（使用时要注意这个特性）
p = torch.arange(1, 3).view(1, 2)
print(p)
q = torch.arange(1, 4).view(3, 1)
print(q)
print(p + q)""",
        """tensor([[1, 2]])
tensor([[1],
        [2],
        [3]])
tensor([[2, 3],
        [3, 4],
        [4, 5]])""",
    ),
    Cell(
        46,
        """# 扩展&压缩tensor的维度：squeeze
print(o)
r = o.unsqueeze(1)
print(r)
print(r.shape)""",
        """tensor([[1.4514, 1.8580, 1.0304],
        [1.0845, 1.3068, 1.7103]])
tensor([[[1.4514, 1.8580, 1.0304]],

        [[1.0845, 1.3068, 1.7103]]])
torch.Size([2, 1, 3])""",
    ),
    Cell(
        47,
        """s = r.squeeze(0)
print(s)
print(s.shape)""",
        """tensor([[[1.4514, 1.8580, 1.0304]],

        [[1.0845, 1.3068, 1.7103]]])
torch.Size([2, 1, 3])""",
    ),
    Cell(
        48,
        """t = r.squeeze(1)
print(t)
print(t.shape)""",
        """tensor([[1.4514, 1.8580, 1.0304],
        [1.0845, 1.3068, 1.7103]])
torch.Size([2, 3])""",
    ),
    Cell(
        49,
        """import torch

x1 = torch.tensor(1.0, requires_grad=True)
x2 = torch.tensor(2.0, requires_grad=True)
y = x1 + 2*x2
print(y)""",
        """tensor(5., grad_fn=<AddBackward0>)""",
    ),
    Cell(
        50,
        """# 首先查看每个变量是否需要求导
print(x1.requires_grad)
print(x2.requires_grad)
print(y.requires_grad)""",
        """True
True
True""",
    ),
    Cell(
        54,
        """# 查看每个变量导数大小。此时因为还没有反向传播，因此导数都不存在
print(x1.grad.data)
print(x2.grad.data)
print(y.grad.data)""",
        """AttributeError: 'NoneType' object has no attribute 'data'""",
    ),
    Cell(
        55,
        """x1""",
        """tensor(1., requires_grad=True)""",
    ),
    Cell(
        56,
        """## 反向传播后看导数大小
y = x1 + 2*x2
y.backward()
print(x1.grad.data)
print(x2.grad.data)""",
        """tensor(1.)
tensor(2.)""",
    ),
    Cell(
        57,
        """# 导数是会累积的，重复运行相同命令，grad会增加
y = x1 + 2*x2
y.backward()
print(x1.grad.data)
print(x2.grad.data)""",
        """tensor(2.)
tensor(4.)""",
    ),
    Cell(
        58,
        """# 尝试，如果不允许求导，会出现什么情况？
x1 = torch.tensor(1.0, requires_grad=False)
x2 = torch.tensor(2.0, requires_grad=False)
y = x1 + 2*x2
y.backward()""",
        """RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn""",
    ),
]

PRINTED = {
    23: """tensor([[3., 3.],
        [3., 3.]], grad_fn=<MulBackward0>) tensor(3., grad_fn=<MeanBackward0>)""",
    36: """<built-in method tensor of type object at 0x7faf43bc9b00>""",
}
RANDOM = {3, 6, 8, 9, 10, 12, 13, 14, 16, 17, 31, 32, 38, 40, 42, 43, 44, 46, 47, 48}
# Memory that nothing was written to.
MEMORY = 38
