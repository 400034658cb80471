document.getElementById('main').textContent = 'Console';
