# VFM-UDA++ (arXiv 2503.10685): MIC's views with colors jittered image by image, pseudo-labels of an
# image and its mirror image, and a distance to DINOv2 ViT-L/14 with registers for every student.
_base_ = ['dacs.py']
weak_augmentation = dict(
    brightness=32 / 255, contrast=0.5, saturation=0.5, hue=0.05, jitter_probability=0.9)
uda = dict(
    alpha=0.999,
    amp=dict(dtype='float16'),
    pseudo_label_mirror=True,
    source_loss_mean='valid',
    source_augmentation=dict(
        brightness=0.8, contrast=0.8, saturation=0.8, hue=0.4, jitter_probability=0.8,
        gray_probability=0.1, blur_probability=0.5, blur_sigma=(0.15, 3.0)),
    target_augmentation=weak_augmentation,
    mix_augmentation=dict(
        brightness=0.2, contrast=0.2, saturation=0.2, hue=0.2, jitter_probability=0.8,
        blur_probability=0.5, blur_sigma=(0.15, 1.15)),
    mask_mode='separatetrgaug',
    mask_lambda=1,
    # Blocks of 62 or 63 pixels on the enlarged image, which is that of backbone.input_size.
    mask_generator=dict(type='block', mask_ratio=0.7, mask_block_size=64, input_size=1120),
    foundation_distance_lambda=0.1,
    foundation_distance_encoder=dict(
        type='timm',
        model='vit_large_patch14_reg4_dinov2.lvd142m',
        checkpoint='pretrained/dinov2_vitl14_reg4_pretrain.pth',
        input_size=406))
