"""`python -m answerloop` is `answerloop`."""

from answerloop.cli import main

if __name__ == "__main__":
    main()
