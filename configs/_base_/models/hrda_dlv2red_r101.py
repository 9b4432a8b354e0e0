# HRDA on DeepLabV2: 'hrda1-512-0.1_dlv2red_r101v1c' in the configs of HRDA and MIC.
_base_ = ['dlv2red_r101.py']
model = dict(
    type='HRDAEncoderDecoder',
    decode_head=dict(
        type='HRDAHead',
        single_scale_head='DLV2Head',
        attention_classwise=True,
        hr_loss_weight=0.1),
    scales=[1, 0.5],
    hr_crop_size=[512, 512],
    feature_scale=0.5,
    # As published. One logit of the context covers 16 pixels, so the crop's attention is cut to
    # whole logits.
    crop_coord_divisible=8,
    hr_slide_inference=True,
    test_cfg=dict(
        mode='slide', batched_slide=True, stride=[512, 512], crop_size=[1024, 1024]))
