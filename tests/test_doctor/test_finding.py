from mmseg_ssr.doctor import Finding, Stage, in_order


def finding(stage, file, mend='mend', is_warning=False):
    return Finding(stage, 'title', file, f'found in {file}', 'expected', mend, is_warning)


def test_first_stages_first_and_files_of_one_fault_together():
    found = [finding(Stage.STATISTICS, 'd'), finding(Stage.CONVERSION, 'a'),
             finding(Stage.FOLDERS, 'c'), finding(Stage.CONVERSION, 'x', 'otherwise'),
             finding(Stage.CONVERSION, 'b')]
    assert [[one.file for one in group] for group in in_order(found)] == [
        ['c'], ['a', 'b'], ['x'], ['d']]


def test_stages_stand_on_each_other():
    assert list(Stage) == [Stage.INSTALLATION, Stage.WEIGHTS, Stage.FOLDERS, Stage.FILES,
                           Stage.CONVERSION, Stage.CONTENT, Stage.STATISTICS]
    assert in_order([]) == []
