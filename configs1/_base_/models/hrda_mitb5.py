# HRDA on DAFormer: half-resolution context and a full-resolution detail crop (arXiv 2204.13132).
_base_ = ['daformer_mitb5.py']
model = dict(
    type='HRDAEncoderDecoder',
    decode_head=dict(
        type='HRDAHead',
        single_scale_head='DAFormerHead',
        attention_classwise=True,
        hr_loss_weight=0.1),
    scales=[1, 0.5],
    hr_crop_size=[512, 512],
    feature_scale=0.5,
    # 8 pixels are one logit of the context: output stride 4, half resolution.
    crop_coord_divisible=8,
    hr_slide_inference=True,
    test_cfg=dict(
        mode='slide', batched_slide=True, stride=[512, 512], crop_size=[1024, 1024]))
