"""The service whose supervisor holds the port open until its workers have ended."""

from unittest.mock import patch

from uvicorn.supervisors.multiprocess import Multiprocess

from service.__main__ import app

if __name__ == "__main__":
    with patch("service.lifecycle.supervision.Supervisor.terminate_all", Multiprocess.terminate_all):
        app()
