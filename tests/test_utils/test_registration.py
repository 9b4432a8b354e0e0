from mmcv.utils import Registry

from mmseg_ssr.utils.registration import register


def test_enters_a_class_under_its_own_or_another_name():
    registry = Registry('things')

    @register(registry)
    class One:
        pass

    @register(registry, 'two')
    class Other:
        pass

    assert registry.get('One') is One and registry.get('two') is Other


def test_what_the_host_project_has_registered_stays():
    registry = Registry('things')

    @registry.register_module(name='DAFormerHead')
    class Host:
        pass

    @register(registry, 'DAFormerHead')
    class Ours:
        pass

    assert registry.get('DAFormerHead') is Host
