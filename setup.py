from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent


class BuildWithStartupFile(build_py):
    """Puts ``mmseg_ssr.pth`` beside the package. ``make setup`` does so for an editable one."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            self.copy_file('mmseg_ssr/utils/mmseg_ssr.pth', self.build_lib)


def requirements() -> list:
    """Lines of requirements.txt without OpenCV, which may be installed under several names.

    torch, torchvision and mmcv-full are not among them: installing mmseg_ssr builds none of them.
    Neither is mmseg. The extras name it, because its two lines cannot be installed together.
    """
    lines = [line.strip() for line in (ROOT / 'requirements.txt').read_text().splitlines()]
    return [line for line in lines if line and not line.startswith(('#', 'opencv', 'mmseg'))]


setup(
    name='mmseg_ssr',
    version='0.1.0',
    description='SSR, DAFormer and MIC for domain adaptive semantic segmentation, '
                'as an MMSegmentation plugin',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=[*find_packages(include=['mmseg_ssr', 'mmseg_ssr.*']), 'mmseg_ssr.configs',
              'mmseg_ssr.configs1'],
    package_dir={'mmseg_ssr.configs': 'configs', 'mmseg_ssr.configs1': 'configs1'},
    package_data={'mmseg_ssr.configs': ['**/*.py'],
                  'mmseg_ssr.configs1': ['**/*.py'],
                  'mmseg_ssr.report': ['templates/*'],
                  'mmseg_ssr.regularizer': ['mini_sam/weights.pth'],
                  'mmseg_ssr.utils': ['mmseg_ssr.pth']},
    entry_points={'console_scripts': ['mmseg-ssr = mmseg_ssr.__main__:main']},
    cmdclass={'build_py': BuildWithStartupFile},
    python_requires='>=3.9',
    install_requires=requirements(),
    extras_require={
        'dev': ['pytest>=7', 'pytest-xdist>=3', 'ruff'],
        'docs': ['sphinx>=7.1', 'myst-parser>=3.0', 'furo>=2024.1.29'],
        'mmseg0': ['mmsegmentation==0.30.0'],
        'mmseg1': ['onedl-mmsegmentation==1.4.2', 'onedl-mmcv==2.3.6', 'onedl-mmengine==0.10.12'],
        'export': ['onnx>=1.16', 'onnxruntime>=1.18', 'onnxscript', 'safetensors'],
    },
    classifiers=[
        'License :: OSI Approved :: Apache Software License',
        'Programming Language :: Python :: 3',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
)
