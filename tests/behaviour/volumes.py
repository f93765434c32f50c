"""Volumes: convolutions, pools and norms of three dimensions."""

import pytest


def check_a_convolution_of_volumes_is_a_sum_over_depth(torch):
    x, w = torch.randn(2, 3, 5, 6, 7), torch.randn(4, 3, 2, 3, 3)
    slices = [
        torch.conv2d(x[:, :, d], w[:, :, 0]) + torch.conv2d(x[:, :, d + 1], w[:, :, 1])
        for d in range(4)
    ]
    assert torch.allclose(torch.conv3d(x, w), torch.stack(slices, 2), atol=1e-4)


def check_the_transpose_restores_sizes(torch):
    x = torch.randn(1, 2, 5, 6, 7)
    down = torch.nn.Conv3d(2, 3, 3, stride=2, padding=1)
    up = torch.nn.ConvTranspose3d(3, 2, 3, stride=2, padding=1)
    assert up(down(x), output_size=x.shape).shape == x.shape


def check_unpooling_puts_maxima_back(torch):
    x = torch.arange(64.0).reshape(1, 1, 4, 4, 4)
    out, places = torch.nn.MaxPool3d(2, return_indices=True)(x)
    assert out.flatten().tolist() == places.flatten().tolist()
    back = torch.nn.MaxUnpool3d(2)(out, places)
    assert torch.equal(back[back > 0], out.flatten())


def check_the_last_of_several_with_one_index_stays(torch):
    x = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])
    places = torch.tensor([[[1, 1, 4, 1]]])
    row = torch.nn.functional.max_unpool1d(x, places, 3, 1)
    assert row.tolist() == [[[0.0, 4.0, 0.0, 0.0, 3.0, 0.0]]]
    x, places = x.reshape(1, 1, 2, 2, 1), places.reshape(1, 1, 2, 2, 1)
    volume = torch.nn.functional.max_unpool3d(x, places, (1, 2, 3))
    assert volume.flatten()[:6].tolist() == [0.0, 4.0, 0.0, 0.0, 3.0, 0.0]


def check_volumes_without_a_batch(torch):
    x = torch.randn(2, 4, 5, 6)
    for layer in (torch.nn.Conv3d(2, 3, 2), torch.nn.MaxPool3d(2), torch.nn.AdaptiveAvgPool3d(2)):
        assert torch.allclose(layer(x), layer(x[None])[0], atol=1e-6)


def check_a_mean_of_windows_counts_padding_unless_told(torch):
    x = torch.ones(1, 1, 2, 2, 2)
    counted = torch.nn.functional.avg_pool3d(x, 2, 2, 1)
    assert counted.flatten().tolist() == [0.125] * 8
    pixels = torch.nn.functional.avg_pool3d(x, 2, 2, 1, count_include_pad=False)
    assert pixels.flatten().tolist() == [1.0] * 8


def check_the_identity_grid_gives_the_volume_back(torch):
    x = torch.randn(1, 2, 3, 4, 5)
    theta = torch.eye(3, 4)[None]
    grid = torch.nn.functional.affine_grid(theta, x.shape, align_corners=True)
    assert grid.shape == (1, 3, 4, 5, 3)
    assert torch.allclose(
        torch.nn.functional.grid_sample(x, grid, align_corners=True), x, atol=1e-5
    )


def check_batch_norm_of_volumes_takes_five_dimensions(torch):
    with pytest.raises(ValueError, match=r"expected 5D input \(got 4D input\)"):
        torch.nn.BatchNorm3d(2)(torch.ones(2, 2, 3, 3))
    norm = torch.nn.BatchNorm3d(2)
    out = norm(torch.randn(3, 2, 4, 5, 6))
    assert out.mean((0, 2, 3, 4)).abs().max() < 1e-5
    assert norm.num_batches_tracked == 1


def check_lazy_layers_of_volumes(torch):
    x = torch.randn(2, 3, 4, 5, 6)
    net = torch.nn.Sequential(torch.nn.LazyConv3d(4, 3), torch.nn.LazyBatchNorm3d())
    assert net(x).shape == (2, 4, 2, 3, 4)
    assert type(net[0]) is torch.nn.Conv3d
    assert net[1].num_features == 4
