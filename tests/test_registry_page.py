"""docs/registry.md says what the core's tables say."""

from test_architecture import load_tool

registry = load_tool("write_registry")


def test_the_page_is_up_to_date() -> None:
    """Else run python tools/write_registry.py."""
    assert registry.PAGE.read_text(encoding="utf-8") == registry.page()


def test_the_page_finds_sources_and_literature() -> None:
    texts = registry.sources()
    adam = registry.place_of("adam", texts)
    assert (adam.path, adam.symbol) == ("cpp/kernels/optimizers.inl.hpp", "Adam")
    assert adam.literature.startswith("Kingma, Ba, ")
    huber = registry.place_of("huber", texts)
    assert (huber.path, huber.symbol) == ("cpp/kernels/losses_regression.inl.hpp", "Huber")
    assert "1964" in huber.literature
    assert registry.oracle_of("log_cosh", "losses") == "losses.log_cosh"
    assert registry.oracle_of("adamw", "optimizers") == "optimizers.AdamW"
