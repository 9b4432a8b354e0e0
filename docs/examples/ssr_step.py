"""SSR's training step in plain PyTorch: the method as an algorithm box.

An iteration learns from two views. The source view is a labeled source image. The mixed view is a
target image with half of the source classes pasted on it. Each view goes through two branches,
which share backbone and decode head. The shadow branch is the plain student. Inference uses it
alone. The regularization branch adds to the features what they find in a frozen encoder's map::

    teacher = make_teacher(student)
    for t, (img, label, target_img) in enumerate(pairs):
        ssr_step(t, img, label, target_img, student, teacher, encoder, projections, attentions,
                 optimizer)

Papers: SSR (arXiv 2401.14686), DAFormer (2111.14887), DACS (2007.08702), Mean Teacher
(1703.01780). Where a paper and its published code differ, this file follows the code. DAFormer's
rare class sampling and feature distance and MIC's masked view are left out.

Shapes: B images of H x W pixels, K classes, C_i channels and H_i x W_i pixels in stage i.
"""
from copy import deepcopy

import torch
from torch import nn
from torch.nn import functional as F


def make_teacher(student):
    """A copy without dropout. Its batch norms normalize by the batch, as the student's do."""
    teacher = deepcopy(student).requires_grad_(False).train()
    for module in teacher.modules():
        module.training &= isinstance(module, (nn.BatchNorm2d, nn.SyncBatchNorm))
    return teacher


@torch.no_grad()
def update_teacher(teacher, student, t, alpha):
    """phi <- alpha_t phi + (1 - alpha_t) theta (Mean Teacher, Sec. 2; DAFormer, Sec. 3)."""
    alpha_t = min(1 - 1 / (t + 1), alpha)  # 0 at first: the teacher starts as the student
    for phi, theta in zip(teacher.parameters(), student.parameters()):
        phi.lerp_(theta, 1 - alpha_t)


def decode(network, maps, size):
    """Feature maps of all stages -> logits B x K x H x W at the size of the image."""
    return F.interpolate(network.decode_head(maps), size, mode='bilinear', align_corners=False)


@torch.no_grad()
def pseudo_label(teacher, target_img, threshold):
    """The teacher's classes B x H x W and their quality in [0, 1] (DAFormer, Sec. 3).

    The quality is the share of confident pixels, of an image in the paper, of the batch in code.
    """
    logits = decode(teacher, teacher.backbone(target_img), target_img.shape[2:])
    probability, label = logits.softmax(dim=1).max(dim=1)
    return label, (probability >= threshold).float().mean()


def random_keys(image, classes):
    """A random number for each class. ``image`` is the place of the image in the batch."""
    return torch.rand(len(classes), device=classes.device)


def class_mix_mask(label, class_keys):
    """B x H x W, true where the source is pasted on the target (ClassMix in DACS, Sec. 3).

    Each image takes the half of the batch's classes with the smallest keys. 255 is a class too.
    """
    classes = label.unique()
    half = (len(classes) + 1) // 2
    masks = []
    for image, image_label in enumerate(label):
        taken = class_keys(image, classes).argsort()[:half]
        masks.append(torch.isin(image_label, classes[taken]))
    return torch.stack(masks)


def regularize(maps, context, projections, attentions):
    """f_i + attention_i(query = f_i, context = projection_i(s)) for each stage i (SSR, Fig. 2).

    s is the frozen encoder's map, B x C x h x w. A projection is a linear layer from C to C_i. An
    attention is proj(softmax(q k^T / sqrt(C_i / heads)) v), k and v linear in its context.
    """
    tokens = context.flatten(2).transpose(1, 2)  # B x h*w x C
    enhanced = []
    for feature, projection, attention in zip(maps, projections, attentions):
        query = feature.flatten(2).transpose(1, 2)  # B x H_i*W_i x C_i
        attended = attention(query, projection(tokens))
        enhanced.append(feature + attended.transpose(1, 2).reshape(feature.shape))
    return enhanced


def weighted_cross_entropy(logits, label, weight):
    """The mean over all pixels. Those of label 255 count as 0 (DAFormer, Sec. 3)."""
    return (weight * F.cross_entropy(logits, label, ignore_index=255, reduction='none')).mean()


def branch_losses(student, encoder, projections, attentions, img, label, weight):
    """The losses of the shadow branch and of the regularization branch (SSR, Fig. 2)."""
    maps = student.backbone(img)
    with torch.no_grad():
        context = encoder(img)
    enhanced = regularize(maps, context, projections, attentions)
    return [weighted_cross_entropy(decode(student, features, img.shape[2:]), label, weight)
            for features in (maps, enhanced)]


def ssr_step(t, img, label, target_img, student, teacher, encoder, projections, attentions,
             optimizer, alpha=0.999, threshold=0.968, augment=lambda img: img,
             class_keys=random_keys):
    """Iteration t, counted from 0, on source images, their labels B x H x W and target images.

    The optimizer trains student, projections and attentions. The encoder is frozen. ``augment``
    jitters and blurs mixed images (DACS). Returns both branches' losses, of the source first.
    """
    update_teacher(teacher, student, t, alpha)
    target_label, quality = pseudo_label(teacher, target_img, threshold)

    pasted = class_mix_mask(label, class_keys)
    mixed_img = augment(torch.where(pasted[:, None], img, target_img))
    mixed_label = torch.where(pasted, label, target_label)
    mixed_weight = torch.where(pasted, 1., quality)

    parts = student, encoder, projections, attentions
    source_losses = branch_losses(*parts, img, label, weight=1.)
    mixed_losses = branch_losses(*parts, mixed_img, mixed_label, mixed_weight)

    optimizer.zero_grad()
    sum(source_losses + mixed_losses).backward()
    optimizer.step()
    return source_losses + mixed_losses
