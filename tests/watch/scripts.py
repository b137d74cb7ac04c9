"""A right training script in plain PyTorch, in which a test replaces single lines."""

RIGHT = """
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(3)
images, labels = torch.rand(100, 3, 8, 8), torch.arange(100) % 10
train, test = random_split(TensorDataset(images, labels), [80, 20])
train_loader = DataLoader(train, batch_size=8, shuffle=True)
test_loader = DataLoader(test, batch_size=8)
net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.1), nn.Linear(144, 10))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 3])
criterion = nn.CrossEntropyLoss()

def train_epoch():
    net.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()

def evaluate():
    net.eval()
    with torch.no_grad():
        return sum((net(x).argmax(1) == y).sum() for x, y in test_loader)

for epoch in range(4):
    train_epoch()
    scheduler.step()
    evaluate()
"""


def changed(*changes, text=RIGHT):
    """Return the script with texts replaced, each of which it must hold."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text
